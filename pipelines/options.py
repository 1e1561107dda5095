"""Options of the live pipeline, beside Beam's own."""

import argparse

from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.transforms.rules import SECOND_US, Rules
from schemas.live import HORIZON_HOURS, LATENESS_SECONDS, MAX_AHEAD_SECONDS, SESSION_GAP_SECONDS, WINDOW_SECONDS


class LiveOptions(PipelineOptions):
    """What decides about time, and how often results are given; where things are is `infra.settings`."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "--window_seconds",
            type=int,
            default=WINDOW_SECONDS,
            help="length of a window; other than a minute in tests",
        )
        add("--lateness_seconds", type=int, default=LATENESS_SECONDS, help="lateness that is still counted")
        add("--max_ahead_seconds", type=int, default=MAX_AHEAD_SECONDS, help="how far clients' clocks may be ahead")
        add("--horizon_hours", type=int, default=HORIZON_HOURS, help="what is older is left to the batch run")
        add(
            "--session_gap_seconds",
            type=int,
            default=SESSION_GAP_SECONDS,
            help="silence that ends a session; other than half an hour in tests",
        )
        add("--flush_seconds", type=float, default=2.0, help="how often open windows are given out")
        add("--bigquery_seconds", type=float, default=60.0, help="how often to BigQuery at most; 0: never")
        add("--batch_records", type=int, default=20_000, help="records of one element, about")
        add("--clock_difference_ms", type=int, default=1_000, help="how far brokers' clocks may differ from this one")
        add("--detached", type=int, default=0, help="1: end when the job is submitted, and leave it to its runner")

    def rules(self) -> Rules:
        """The rules of time that the options say."""
        return Rules(
            window_us=self.window_seconds * SECOND_US,
            lateness_us=self.lateness_seconds * SECOND_US,
            max_ahead_us=self.max_ahead_seconds * SECOND_US,
            horizon_us=self.horizon_hours * 3600 * SECOND_US,
            session_gap_us=self.session_gap_seconds * SECOND_US,
        )
