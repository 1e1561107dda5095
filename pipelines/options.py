"""Options of the live pipeline, beside Beam's own."""

import argparse
import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr

from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
)

from pipelines.transforms.rules import SECOND_US, Rules
from schemas.errors import ConfigurationError
from schemas.live import HORIZON_HOURS, LATENESS_SECONDS, MAX_AHEAD_SECONDS, SESSION_GAP_SECONDS, WINDOW_SECONDS

PRISM, DATAFLOW = "PrismRunner", "DataflowRunner"
_SILENT = ("DirectRunner", "BundleBasedDirectRunner", "FnApiRunner")
"""Beam's runners for tests, which gave out nothing of an unbounded source."""
_ALL_KNOWN = (PRISM, DATAFLOW)
"""Runners all of whose options Beam's Python knows; others have more, which their job service explains."""
NO_LISTING = "disable_logging_submission_environment"
"""An experiment: Beam would list what is installed by a pip that is not."""
_HELP = "`python -m pipelines live --help` lists them"


class LiveOptions(PipelineOptions):
    """What decides about time, and how often results are given; where things are is `infra.settings`."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        add, count, amount, some = parser.add_argument, _at_least(0, int), _at_least(0, float), _at_least(1, int)
        add(
            "--window_seconds",
            type=some,
            default=WINDOW_SECONDS,
            help="length of a window; other than a minute in tests",
        )
        add("--lateness_seconds", type=count, default=LATENESS_SECONDS, help="lateness that is still counted")
        add("--max_ahead_seconds", type=count, default=MAX_AHEAD_SECONDS, help="how far clients' clocks may be ahead")
        add("--horizon_hours", type=some, default=HORIZON_HOURS, help="what is older is left to the batch run")
        add(
            "--session_gap_seconds",
            type=some,
            default=SESSION_GAP_SECONDS,
            help="silence that ends a session; other than half an hour in tests",
        )
        add("--flush_seconds", type=amount, default=2.0, help="how often open windows are given out at most")
        add("--bigquery_seconds", type=amount, default=60.0, help="how often to BigQuery at most; 0: never")
        add("--batch_records", type=some, default=20_000, help="records of one element, about")
        add("--clock_difference_ms", type=count, default=1_000, help="how far brokers' clocks may differ from this one")
        add(
            "--detached",
            type=int,
            choices=(0, 1),
            default=0,
            help="1: end when the job is submitted, and leave it to its runner",
        )

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "LiveOptions":
        """The options of a life. Raises ConfigurationError, which names the option that is wrong or unknown."""
        said = io.StringIO()
        try:
            with redirect_stderr(said):  # where argparse explains itself at length
                options = cls(list(arguments), streaming=True)
                given = options.get_all_options(retain_unknown_options=True)
        except SystemExit as end:
            if not end.code:
                raise
            what = said.getvalue().strip().rpartition("error: ")[2]
            raise ConfigurationError(f"An option is wrong ({what}): {_HELP}.") from None
        unknown = sorted(set(given) - set(cls([]).get_all_options()))
        # A Flex template's launcher has checked the parameters by the template, and may add words of its own.
        is_launched = bool(options.view_as(GoogleCloudOptions).template_location)
        if unknown and options.runner_name in _ALL_KNOWN and not is_launched:
            raise ConfigurationError(f"There is no option --{unknown[0]}: {_HELP}.")
        if options.runner_name.rpartition(".")[2] in _SILENT:
            raise ConfigurationError(
                f"{options.runner_name} gives out nothing of what it reads without end: leave out --runner, for Prism."
            )
        # Steps import what they need, and nothing of theirs lies in the module that was started.
        options.view_as(SetupOptions).save_main_session = False
        return options

    @property
    def runner_name(self) -> str:
        """The runner that is asked for, Prism where none is."""
        return self.view_as(StandardOptions).runner or PRISM

    def rules(self) -> Rules:
        """The rules of time that the options say."""
        return Rules(
            window_us=self.window_seconds * SECOND_US,
            lateness_us=self.lateness_seconds * SECOND_US,
            max_ahead_us=self.max_ahead_seconds * SECOND_US,
            horizon_us=self.horizon_hours * 3600 * SECOND_US,
            session_gap_us=self.session_gap_seconds * SECOND_US,
        )


def _at_least(least: int, kind: type[int] | type[float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text} is no number of its kind") from None
        if not value >= least:
            raise argparse.ArgumentTypeError(f"it is at least {least}, not {text}")
        return value

    return read
