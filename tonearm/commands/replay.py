"""`tonearm replay`: dead letters come back, repaired by rules, through the topic."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from infra.local.stack import Endpoints
    from infra.settings import Settings
    from jobs.replay import Replay, Request


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    reason: Annotated[
        list[str] | None,
        typer.Option("--reason", help="Why they are dead letters; repeat it for several, or give `all`."),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="TOML file of fix rules, or a folder; without, as they are.")
    ] = None,
    only_valid: Annotated[
        bool, typer.Option("--only-valid", help="Leave those that would still be no events.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; show what would become of them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Send dead letters to the topic again, all or none, each once; then run the batch path, so that they count."""
    from infra.local.stack import local_stack
    from infra.run_log import running
    from infra.settings import Settings
    from jobs import replay as job
    from playback.fix_rules import read_rules
    from schemas.errors import BalanceError
    from tonearm.sending import progress_bar
    from tonearm.steps import steps

    # What is wrong with the question is said before anything is started.
    asked = job.request(reason or (), () if rules is None else read_rules(rules), only_valid, dry_run)
    settings = Settings()
    at_work = nullcontext() if dry_run else running(settings, "replay")
    services = {"services": ("kafka",)} if dry_run else {}
    with at_work:
        with steps() as say, local_stack(settings, on_progress=say, **services) as endpoints:
            done = job.replay(settings, endpoints, asked, say, progress_bar)
            told = _summary(done, asked)
            if not dry_run:
                told |= _run_batch(settings, endpoints, done, say)
            say("", "")
        if as_json:
            sys.stdout.write(json.dumps(told) + "\n")
        else:
            _print(told)
        if not told.get("adds_up", True):
            raise BalanceError("The balance sheet does not add up: see `tonearm report` for the lines that do not.")


def _run_batch(settings: "Settings", endpoints: "Endpoints", done: "Replay", say: Any) -> dict[str, Any]:
    """Take in what was sent; what came of it, and whether the sheet adds up."""
    from infra.lake import Lake
    from jobs.batch import run_batch
    from jobs.replay import came_of
    from tonearm.report import run_report, save_report

    report = run_report(settings, endpoints, run_batch(settings, endpoints, say), listener="")
    save_report(settings.home, report)
    became = came_of(Lake(settings.lake), done.manifest) if done.manifest else {}
    return {"became": became, "adds_up": report["balance"]["adds_up"]}


def _summary(done: "Replay", asked: "Request") -> dict[str, Any]:
    """What was found and sent, in counts, names of fields and shapes of values: no content of any letter."""
    outcome = done.outcome
    lines = []
    for (reason, rule), letters in sorted(outcome.chosen.items()):
        plays, duplicates = done.fates.get((reason, rule), (0, 0))
        refused = outcome.refused[reason, rule]
        counts = {"letters": letters, "plays": plays, "duplicates": duplicates, "still_invalid": refused}
        lines.append({"reason": reason, "rule": rule, **counts})
    still = [{"reason": one, "field": name, "letters": n} for (one, name), n in sorted(outcome.still_invalid.items())]
    changes = [
        {"rule": rule, "field": name, "before": before, "after": after, "letters": count}
        for (rule, name, before, after), count in outcome.changed.most_common()
    ]
    return {
        "dry_run": asked.dry_run,
        "only_valid": asked.only_valid,
        "replayed_before": done.replayed_before,
        "left": done.left,
        "chosen": outcome.chosen.total(),
        "without_rule": outcome.unmatched,
        "lines": lines,
        "still_invalid": still,
        "changes": changes,
        "sent": done.sent,
        "manifest_id": done.manifest.manifest_id if done.manifest else None,
    }


def _print(told: dict[str, Any]) -> None:
    from tonearm.answers import print_rows

    shown = {
        "lines": ("reason", "rule", "letters", "plays", "duplicates", "still_invalid"),
        "still_invalid": ("reason", "field", "letters"),
        "changes": ("rule", "field", "before", "after", "letters"),
    }
    titles = {"lines": "What becomes of them", "still_invalid": "Still no events", "changes": "Changed, by shape"}
    for name, columns in shown.items():
        if told[name]:
            typer.echo(f"{titles[name]}:")
            print_rows(columns, [[one[column] for column in columns] for one in told[name]])
            typer.echo()
    if told["replayed_before"]:
        typer.echo(f"{told['replayed_before']:,} of these reasons were replayed before.")
    if told["without_rule"]:
        typer.echo(f"{told['without_rule']:,} of these reasons are left alone: no rule is for them.")
    typer.echo(_verdict(told))


def _verdict(told: dict[str, Any]) -> str:
    invalid = sum(one["still_invalid"] for one in told["lines"])
    valid = told["chosen"] - invalid
    if not told["chosen"]:
        return "Nothing is left to replay."
    if not told["dry_run"]:
        became = told["became"]
        parts = [f"{told['sent']:,} sent again"]
        parts += [f"{became[fate]:,} {word}" for fate, word in _FATES.items() if became.get(fate)]
        left = f"; {invalid:,} left as dead letters" if invalid else ""
        return f"{', '.join(parts)}{left}."
    if invalid and not told["only_valid"]:
        return f"Nothing would be sent: {invalid:,} would still be no events (or give --only-valid to leave them)."
    return f"Nothing was sent; without --dry-run {valid:,} would be."


_FATES = {
    "accepted": "became playbacks",
    "duplicate": "repeat an accepted one",
    "dead_letter": "are dead letters again",
}
