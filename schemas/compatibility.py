"""Whether one version of an event can read what another wrote: Avro schema resolution as far as Tonearm uses it."""

from schemas.model import Event, Field

_PROMOTIONS = {("int", "long")}


def reading_problems(reader: Event, writer: Event) -> list[str]:
    """Why `reader` cannot read records of `writer`, one sentence a reason; empty where it can.

    A field that is added must be nullable (its default is null), an int may become a long, a required field may become
    nullable, and fields may be removed. A renamed field is a removed one and an added one.
    """
    problems = []
    if reader.name != writer.name:
        problems.append(f"{reader.name} is another event than {writer.name}.")
    written = {field.name: field for field in writer.fields}
    for field in reader.fields:
        if field.name in written:
            problems += _field_problems(field, written[field.name])
        elif not field.nullable:
            problems.append(
                f"Version {reader.version} adds {field.name}, which must be nullable to read older records."
            )
    return problems


def _field_problems(reader: Field, writer: Field) -> list[str]:
    problems = []
    if reader.type != writer.type and (writer.type, reader.type) not in _PROMOTIONS:
        problems.append(f"{reader.name} cannot turn from {writer.type} into {reader.type}.")
    if writer.nullable and not reader.nullable:
        problems.append(f"{reader.name} was nullable and cannot become required.")
    return problems
