"""Fix rules: which dead letters a rule is for and what it changes in them, read from TOML files.

A rule names fields and constants, never a listener: what identifies a playback or a listener can be neither chosen by
value nor changed, only cleared where it may be null.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NoReturn

from playback.reasons import Reason
from schemas.errors import InputError
from schemas.events import CURRENT, RELEASED

Value = str | int | bool | None
"""What a rule gives a field; a timestamp is microseconds since 1970."""

OPERATIONS = ("clear", "set", "trim", "upper", "lower", "cut", "divide", "shift_seconds")
"""What a rule can do to a field, in the order in which it is done."""

IDENTITY = frozenset({"event_id", "sequence", *(field.name for field in CURRENT.fields if field.personal)})
"""Fields whose values say which playback or which listener it is."""

_FIELDS = {field.name: field for field in CURRENT.fields}
_VERSIONS = {event.version: event for event in RELEASED}
_RULE_KEYS = frozenset({"name", "reason", "field", "appended_from", "appended_until", "where", "patch"})
_READING_KEYS = ("schema_version", "drop_trailing")
_LISTS = frozenset({"clear", "trim", "upper", "lower"})
_OF_TYPES = {
    **dict.fromkeys(("trim", "upper", "lower", "cut"), frozenset({"string"})),
    "divide": frozenset({"int", "long"}),
    "shift_seconds": frozenset({"timestamp"}),
}
_SMALLEST = {"cut": 1, "divide": 2}
_LONGEST_SHIFT_SECONDS = 100 * 366 * 86_400
_PYTHON_TYPES: dict[str, type] = {"string": str, "boolean": bool, "int": int, "long": int, "timestamp": datetime}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Refuse = Callable[[str], NoReturn]


@dataclass(frozen=True)
class Change:
    """One of OPERATIONS on one field; `argument` is the value, the length, the divisor or the seconds."""

    operation: str
    field: str
    argument: Value = None


@dataclass(frozen=True)
class Rule:
    """Which dead letters it is for, how their bytes are read, and what changes in them.

    A letter has the `reason`, its detail names `field` if there is one, it was appended from `appended_from` on and
    before `appended_until`, and its fields have the values of `where`. An Avro body is read as `schema_version` where
    that is given, and what follows its datum is left off with `drop_trailing`.
    """

    name: str
    reason: Reason
    field: str = ""
    appended_from: datetime | None = None
    appended_until: datetime | None = None
    where: tuple[tuple[str, Value], ...] = ()
    changes: tuple[Change, ...] = ()
    schema_version: int | None = None
    drop_trailing: bool = False


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a TOML file, or of every `*.toml` in a folder, by file name.

    Raises InputError, which names file, rule and key, when one is not what it should be.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"The folder {path} holds no *.toml file: put the fix rules there, or name a file.")
    rules = [rule for file in files for rule in _read_file(file)]
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"Two rules in {path} have the name {twice[0]!r}: give each a name of its own.")
    return tuple(rules)


def fingerprint(reasons: Iterable[str], rules: Iterable[Rule]) -> str:
    """16 hexadecimal digits that name what was asked for: these reasons under these rules."""
    text = json.dumps([sorted(reasons), sorted(json.dumps(asdict(rule), default=str) for rule in rules)])
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _read_file(file: Path) -> list[Rule]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The fix rules {file} cannot be read ({error.strerror}): name a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} is no TOML file ({error}): correct it.") from None
    given = content.get("rule")
    if set(content) != {"rule"} or not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise InputError(f"{file} must hold [[rule]] tables and nothing else: see docs/replay.md.")
    return [_rule(one, file, number) for number, one in enumerate(given, start=1)]


def _rule(given: dict[str, Any], file: Path, number: int) -> Rule:
    name = given.get("name")
    refuse = partial(_refuse, f"{file}: rule {name!r}" if isinstance(name, str) else f"{file}: rule number {number}")
    if not isinstance(name, str) or not name.strip():
        refuse("name must be a text that is not empty")
    _refuse_unknown(given, _RULE_KEYS, "", refuse)
    patch = given.get("patch")
    if not isinstance(patch, dict) or not patch:
        refuse("patch must be a table that changes something")
    _refuse_unknown(patch, {*OPERATIONS, *_READING_KEYS}, "patch.", refuse)
    version, drop_trailing = patch.get("schema_version"), patch.get("drop_trailing", False)
    if version is not None and (type(version) is not int or version not in _VERSIONS):
        refuse(f"patch.schema_version must be a released version: {', '.join(map(str, _VERSIONS))}")
    if type(drop_trailing) is not bool:
        refuse("patch.drop_trailing must be true or false")
    changes = tuple(change for one in OPERATIONS if one in patch for change in _changes(one, patch[one], refuse))
    _refuse_contradictions(changes, refuse)
    if not changes and version is None and not drop_trailing:
        refuse("patch changes nothing: name an operation and its fields")
    appended_from, appended_until = _moment(given, "appended_from", refuse), _moment(given, "appended_until", refuse)
    if appended_from and appended_until and appended_from >= appended_until:
        refuse("appended_from must be before appended_until")
    return Rule(
        name=name,
        reason=_reason(given.get("reason"), refuse),
        field=_field(given["field"], "field", refuse) if "field" in given else "",
        appended_from=appended_from,
        appended_until=appended_until,
        where=_where(given.get("where", {}), refuse),
        changes=changes,
        schema_version=version,
        drop_trailing=drop_trailing,
    )


def _refuse(place: str, sentence: str) -> NoReturn:
    raise InputError(f"{place}: {sentence}.")


def _refuse_unknown(given: Iterable[str], known: Iterable[str], prefix: str, refuse: Refuse) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        refuse(f"{prefix}{unknown[0]} is no key; there are {', '.join(sorted(known))}")


def _reason(given: object, refuse: Refuse) -> Reason:
    if given not in list(Reason):
        refuse(f"reason must be one of {', '.join(Reason)}")
    return Reason(str(given))


def _field(given: object, key: str, refuse: Refuse) -> str:
    if not isinstance(given, str) or given not in _FIELDS:
        refuse(f"{key} must name a field of the event; there are {', '.join(_FIELDS)}")
    return given


def _moment(given: Mapping[str, Any], key: str, refuse: Refuse) -> datetime | None:
    moment = given.get(key)
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        refuse(f"{key} must be a time with its zone and without quotes, such as 2026-11-20T12:00:00Z")
    return moment.astimezone(UTC)


def _where(given: object, refuse: Refuse) -> tuple[tuple[str, Value], ...]:
    if not isinstance(given, dict):
        refuse("where must be a table of fields and their values")
    for name in given:
        if _field(name, "where", refuse) in IDENTITY:
            refuse(f"where may not choose by {name}: a rule holds no data of a listener")
        if _FIELDS[name].type == "timestamp":
            refuse(f"where may not choose by {name}: choose by appended_from and appended_until")
    return tuple((name, _value(name, value, "where", refuse)) for name, value in given.items())


def _changes(operation: str, given: object, refuse: Refuse) -> list[Change]:
    key = f"patch.{operation}"
    if operation in _LISTS:
        if not isinstance(given, list) or not given:
            refuse(f"{key} must be a list of fields")
        changes = [Change(operation, _field(name, key, refuse)) for name in given]
    else:
        if not isinstance(given, dict) or not given:
            refuse(f"{key} must be a table of fields and values")
        changes = [
            Change(operation, _field(name, key, refuse), _argument(operation, name, value, refuse))
            for name, value in given.items()
        ]
    for change in changes:
        _refuse_wrong_field(change, key, refuse)
    return changes


def _refuse_wrong_field(change: Change, key: str, refuse: Refuse) -> None:
    field = _FIELDS[change.field]
    if change.operation == "clear":
        if not field.nullable:
            refuse(f"{key} may not name {field.name}: every event must have it")
        return
    if field.name in IDENTITY:
        refuse(f"{key} may not name {field.name}: it says which playback or listener it is, and no rule changes that")
    types = _OF_TYPES.get(change.operation)
    if types and field.type not in types:
        refuse(f"{key} may not name {field.name}: it is for fields of type {' or '.join(sorted(types))}")


def _argument(operation: str, name: str, value: object, refuse: Refuse) -> Value:
    key = f"patch.{operation}"
    if operation == "set":
        return _value(name, value, key, refuse)
    if type(value) is not int:
        refuse(f"{key}: the value for {name} must be a whole number")
    if operation in _SMALLEST and value < _SMALLEST[operation]:
        refuse(f"{key}: the value for {name} must be {_SMALLEST[operation]} or more")
    if operation == "shift_seconds" and not 0 < abs(value) <= _LONGEST_SHIFT_SECONDS:
        refuse(f"{key}: the value for {name} must not be 0, and at most a hundred years")
    return value


def _value(name: str, given: object, key: str, refuse: Refuse) -> Value:
    """The value as JSON has it, when it has the type of the field."""
    field = _FIELDS[_field(name, key, refuse)]
    if type(given) is not _PYTHON_TYPES[field.type]:
        refuse(f"{key}: the value for {name} must be of type {field.type}")
    if isinstance(given, datetime):
        if given.tzinfo is None:
            refuse(f"{key}: the time for {name} must have a zone, such as 2026-11-20T12:00:00Z")
        return (given - _EPOCH) // timedelta(microseconds=1)
    if type(given) is int and not -(2**63) <= given < 2**63:
        refuse(f"{key}: the value for {name} must fit 64 bits")
    assert isinstance(given, str | int)
    return given


def _refuse_contradictions(changes: Iterable[Change], refuse: Refuse) -> None:
    done: dict[str, list[str]] = {}
    for change in changes:
        done.setdefault(change.field, []).append(change.operation)
    for name, operations in done.items():
        alone = {"clear", "set"} & set(operations)
        repeated = len(set(operations)) < len(operations)
        if repeated or {"upper", "lower"} <= set(operations) or (alone and len(operations) > 1):
            refuse(f"patch does {' and '.join(operations)} to {name}: leave one out")
