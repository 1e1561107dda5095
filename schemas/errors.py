"""Every error Tonearm raises on purpose.

    TonearmError
    ├── fatal: trying again gives the same answer (exit status 1)
    │   ├── ConfigurationError    a setting, an argument or a prerequisite is missing or wrong
    │   ├── InputError            what the user pointed at is not what it should be (a folder, an export, a query)
    │   ├── UnknownTableError     no table of that name is declared
    │   ├── ContractError         rows do not fit the declaration, or a write would leave its bounds
    │   ├── MigrationError        what is stored is of other declarations: to be migrated, or refused
    │   ├── CheckFailedError      a quality check with severity *stop* failed
    │   ├── BalanceError          the balance sheet does not add up
    │   └── SupersededError       another writer was first (lost compare-and-set, higher publish number)
    └── RetryableError            trying again can help (exit status 75, EX_TEMPFAIL of sysexits.h)
        ├── MissingInputError     an input table or partition is not there yet
        ├── StoreUnavailableError a broker, warehouse or serving store does not answer
        └── DiskFullError         there is no space left for what was to be written

A message is one sentence for a person and says what to do next. A bad *record* never raises: it becomes a dead letter.
"""

from typing import ClassVar


class TonearmError(Exception):
    """Base of every deliberate error; `exit_status` is what the command line returns."""

    exit_status: ClassVar[int] = 1


class ConfigurationError(TonearmError):
    """A setting, an argument or a prerequisite is missing or wrong."""


class InputError(TonearmError):
    """What the user pointed at is not what it should be."""


class UnknownTableError(TonearmError):
    """No table of that name is declared."""


class ContractError(TonearmError):
    """Rows do not fit the declaration, or a write would leave the set of rows it may replace."""


class MigrationError(TonearmError):
    """What is stored is of other declarations than these: it is to be migrated, or cannot be."""


class CheckFailedError(TonearmError):
    """A quality check with severity *stop* failed; nothing downstream may be published."""


class BalanceError(TonearmError):
    """The balance sheet does not add up."""


class SupersededError(TonearmError):
    """Another writer was first; what this one prepared was left unpublished."""


class RetryableError(TonearmError):
    """Base of errors that a retry can cure."""

    exit_status: ClassVar[int] = 75


class MissingInputError(RetryableError):
    """An input table or partition does not exist yet."""


class StoreUnavailableError(RetryableError):
    """A broker, warehouse or serving store does not answer."""


class DiskFullError(RetryableError):
    """There is no space left for what was to be written; what was there before is as it was."""
