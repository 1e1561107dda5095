"""`tonearm verify`: is every table what the simulation's answer key says?"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tonearm.verification import Verdict
    from truth.agreement import Agreement


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    truth: Annotated[Path | None, typer.Option(help="Folder of the answer key (truth in TONEARM_HOME).")] = None,
    replayed: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", help="Fault whose dead letters were replayed as what they had been."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a table.")] = False,
) -> None:
    """Hold the lake against the answer key, which was computed from what the simulation really played."""
    from infra.settings import Settings
    from schemas.errors import CheckFailedError
    from tonearm import verification
    from tonearm.simulation import truth_folder

    settings, faults = Settings(), _known(replayed or ())
    folder = truth or truth_folder(settings.home)
    verdicts = verification.verify(settings, folder, faults)
    for verdict in verdicts:
        _print(verdict, as_json)
    if found := verification.merges(settings, folder, faults):
        _print_merges(found, as_json)
    wrong = [verdict.table for verdict in verdicts if not verdict.equal]
    if wrong:
        others = verification.records_not_known(settings, folder)
        raise CheckFailedError(
            f"Not what the answer key says: {', '.join(wrong)}; {_why(others, settings.catalogue_feed is not None)}"
        )


def _known(faults: Sequence[str]) -> Sequence[str]:
    """These names of faults; raises InputError where there is no such one."""
    from playback.simulator.delivery import FAULTS
    from playback.simulator.malformed import KINDS
    from schemas.errors import InputError

    known = sorted({*FAULTS, *(kind.name for kind in KINDS)})
    if unknown := sorted(set(faults) - set(known)):
        raise InputError(f"No message is spoilt by {', '.join(unknown)}: faults are {', '.join(known)}.")
    return faults


def _why(others: int, has_own_feed: bool) -> str:
    if others > 0:
        return f"the ledger has {others:,} records that the simulation did not send, and the key does not know them."
    if others < 0:
        return "not all that the simulation sent has been processed: run `tonearm run`, then again."
    if has_own_feed:
        return "the catalogue is the one that TONEARM_CATALOGUE_FEED names, and the key knows the simulation's."
    return "the tables are wrong."


def _print(verdict: "Verdict", as_json: bool) -> None:
    from tonearm.answers import json_value
    from tonearm.verification import shown

    found = verdict.difference
    if as_json:
        row: dict[str, object] = {"table": verdict.table, "compared": found is not None, "equal": verdict.equal}
        if found is not None:
            row |= {
                "rows": found.row_count,
                "only_in_key": found.only_expected,
                "only_in_table": found.only_actual,
                "examples_in_key": [shown(verdict.table, one) for one in found.expected_examples],
                "examples_in_table": [shown(verdict.table, one) for one in found.actual_examples],
            }
        sys.stdout.write(json.dumps(row, default=json_value, ensure_ascii=False) + "\n")
        return
    for line in _lines(verdict):
        typer.echo(line)


def _print_merges(found: "Agreement", as_json: bool) -> None:
    shares = {"precision": round(found.precision, 4), "recall": round(found.recall, 4)}
    if as_json:
        sys.stdout.write(json.dumps({"table": "silver.merged_plays", **asdict(found), **shares}) + "\n")
        return
    typer.echo(
        f"· silver.merged_plays: precision {shares['precision']:.4f}, recall {shares['recall']:.4f} "
        f"({found.right:,} right of {found.merged:,} merged, of {found.expected:,} told of twice)"
    )


def _lines(verdict: "Verdict") -> list[str]:
    from tonearm.verification import shown

    found = verdict.difference
    if found is None:
        return [f"- {verdict.table}: not compared, the simulation was cut off and sent messages again"]
    if found.equal:
        return [f"✓ {verdict.table} {_rows(found.row_count)} equal"]
    only_expected, only_actual = _rows(found.only_expected), _rows(found.only_actual)
    lines = [f"✗ {verdict.table}: {only_expected} only in the key, {only_actual} only in the table"]
    sides = (("key", found.expected_examples), ("table", found.actual_examples))
    for side, examples in sides:
        for one in examples:
            values = ", ".join(f"{name} {value}" for name, value in shown(verdict.table, one).items())
            lines.append(f"    {side}: {values}")
    return lines


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
