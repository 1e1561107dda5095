"""Dates that commands are given."""

from datetime import date

from schemas.errors import InputError


def day(text: str) -> date:
    """The date that is written so, as year, month and day; raises InputError where there is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    # Only in this form: others of ISO 8601, such as weeks, are not what people mean.
    if found is None or str(found) != text:
        raise InputError(f"There is no date {text!r}: give one that the calendar has, such as 2026-11-30.")
    return found
