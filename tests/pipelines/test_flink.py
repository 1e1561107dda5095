"""Whether Flink has a job, by its REST API; what answers here is a server that says what Flink documents."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from infra.settings import Settings
from pipelines import run as run_module
from pipelines.flink import job_runs
from pipelines.keep_alive import Look, State, keep_alive
from schemas.errors import ConfigurationError, StoreUnavailableError

Answer = Callable[[str], str]


@pytest.fixture
def flink() -> Iterator[Answer]:
    """A server on loopback that answers `/jobs/overview` with a text; returns its address."""
    said: list[str] = []

    class Rest(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/jobs/overview" else 404)
            self.end_headers()
            self.wfile.write(said[-1].encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Rest) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def answer(text: str) -> str:
            said.append(text)
            return f"127.0.0.1:{server.server_port}"

        yield answer
        server.shutdown()
        thread.join()


def overview(**states: str) -> str:
    jobs = [{"jid": name * 8, "name": name, "state": state, "start-time": 1} for name, state in states.items()]
    return json.dumps({"jobs": jobs})


@pytest.mark.parametrize("state", ["CREATED", "RUNNING", "RESTARTING", "FAILING", "CANCELLING", "INITIALIZING"])
def test_a_job_that_has_not_ended_runs(flink: Answer, state: str) -> None:
    address = flink(overview(live=state, other="RUNNING"))
    assert job_runs(address, "live")
    assert not job_runs(address, "third")


@pytest.mark.parametrize("state", ["FINISHED", "CANCELED", "FAILED"])
def test_a_job_that_has_ended_does_not(flink: Answer, state: str) -> None:
    assert not job_runs(flink(overview(live=state)), "live")


@pytest.mark.parametrize("text", ["<html>", "[]", '{"jobs": [{}]}'])
def test_what_is_not_flink_is_one_sentence(flink: Answer, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^What answers at 127\.0\.0\.1:\d+ is not Flink's REST API\.$"):
        job_runs(flink(text), "live")


def test_flink_that_does_not_answer_is_tried_again() -> None:
    with pytest.raises(StoreUnavailableError, match=r"^Flink does not answer at 127\.0\.0\.1:1: "):
        job_runs("127.0.0.1:1", "live")


def test_a_job_is_launched_where_none_runs_and_left_alone_where_one_does(
    flink: Answer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[list[str]] = []
    monkeypatch.setattr(run_module, "run_live", lambda _settings, options, _nothing: launched.append(options))
    options = ["--runner=FlinkRunner", f"--flink_master={flink(overview(live='FAILED'))}", "--job_name=live"]

    assert keep_alive(settings, options) == Look(State.DEAD, "live")
    assert launched == [[*options, "--detached=1"]]
    flink(overview(live="RUNNING"))
    assert keep_alive(settings, options) == Look(State.ALIVE)
    assert len(launched) == 1


@pytest.mark.parametrize("options", [["--runner=DataflowRunner"], ["--runner=FlinkRunner", "--job_name=live"]])
def test_a_runner_that_cannot_be_asked_is_refused(settings: Settings, options: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="with --runner=FlinkRunner give --flink_master and --job_name"):
        keep_alive(settings, options)
