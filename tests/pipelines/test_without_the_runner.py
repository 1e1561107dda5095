"""What is known to go wrong in runners has nothing to go wrong with: see ADR 0015 and 0016 for what was seen."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from apache_beam.io.unbounded_source import _UnboundedSourceRestriction, _UnboundedSourceRestrictionTracker
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.utils.timestamp import MIN_TIMESTAMP

from infra.local.stack import Endpoints
from infra.serving_store.live_runs import LiveRun
from infra.settings import REPOSITORY, Settings
from pipelines.options import LiveOptions
from pipelines.run import assembled
from pipelines.sinks import Stores
from pipelines.source import PlaybackLog
from pipelines.transforms.live import Run
from pipelines.transforms.rules import Rules

LOG = PlaybackLog("events", "T", {0: 0, 1: 0, 2: 0}, {}, {"bootstrap.servers": "127.0.0.1:1"}, run="r")
LIFE = """
import sys, time
from pathlib import Path
from infra.settings import Settings
from pipelines.options import LiveOptions
from pipelines.prism import local_prism
with local_prism(Settings(home=Path(sys.argv[1])), LiveOptions.read([])) as address:
    print(address, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def job(settings: Settings) -> beam_runner_api_pb2.Pipeline:
    """The pipeline as every runner gets it."""
    stores = Stores(settings, Endpoints(), LiveRun("T", 1, 0), 60.0, Rules())
    proto: beam_runner_api_pb2.Pipeline = assembled(Run("r"), stores, LiveOptions.read([]), LOG).to_runner_api()
    return proto


def test_no_window_can_be_dropped_or_fired_twice_as_there_is_only_the_global_one(
    job: beam_runner_api_pb2.Pipeline,
) -> None:
    """Prism drops a window's state at its end whatever lateness is allowed, and fires each once more at its expiry."""
    for windowing in job.components.windowing_strategies.values():
        assert windowing.window_fn.urn == common_urns.global_windows.urn
        assert windowing.trigger.WhichOneof("trigger") == "default"
    grouping = {common_urns.primitives.GROUP_BY_KEY.urn, common_urns.composites.COMBINE_PER_KEY.urn}
    assert grouping.isdisjoint(one.spec.urn for one in job.components.transforms.values())


def test_no_state_or_timer_is_in_the_runners_hands(job: beam_runner_api_pb2.Pipeline) -> None:
    """Prism lost some in two of seven runs."""
    steps = [one for one in job.components.transforms.values() if one.spec.urn == common_urns.primitives.PAR_DO.urn]
    assert len(steps) >= 5
    for step in steps:
        payload = beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload)
        assert not payload.state_specs, step.unique_name
        assert not payload.timer_family_specs, step.unique_name


def test_however_many_readers_are_asked_for_one_owns_all_partitions() -> None:
    """Of several restrictions of a stage Prism keeps the last bundle's watermark."""
    assert LOG.split(20) == [LOG]


def test_what_is_read_is_a_number_at_any_time() -> None:
    """NaN fails a bundle on Prism."""
    tracker = _UnboundedSourceRestrictionTracker(_UnboundedSourceRestriction(LOG))
    assert tracker.current_progress().fraction_completed == 0.0


def test_a_batch_is_never_older_than_what_was_passed_before_it() -> None:
    """Its moment is what the log is read up to, and so is the watermark behind it."""
    reader = LOG.create_reader(None, None)
    try:
        assert reader.get_watermark() == reader.get_current_timestamp() == MIN_TIMESTAMP
    finally:
        reader.close()


def test_prism_listens_here_only_and_ends_with_a_life_that_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LIFE, str(tmp_path)]
    life = subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert life.stdout is not None
        address = life.stdout.readline().strip()
        (prism,) = psutil.Process(life.pid).children(recursive=True)
        listening = {one.laddr for one in prism.net_connections() if one.status == psutil.CONN_LISTEN}
        assert {ip for ip, _ in listening} == {"127.0.0.1"}
        assert address in {f"{ip}:{port}" for ip, port in listening}
    finally:
        life.kill()
        life.wait()
    gone, _ = psutil.wait_procs([prism], timeout=30)
    assert gone == [prism]
    assert life.stdout.read() == ""
    life.stdout.close()
