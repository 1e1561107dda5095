"""The request of a dry run, and what is made of its answer: the stand-in says 0 bytes of everything."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, ScalarQueryParameter

from infra.warehouse.client import Warehouse, one_sentence

ASKED: list[tuple[str, dict[str, Any]]] = []
STATISTICS: dict[str, str] = {}


class Service(BaseHTTPRequestHandler):
    """Answers a query as BigQuery answers a dry run of it."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ASKED.append((self.path.split("?")[0], asked))
        answer = asked | {"status": {"state": "DONE"}, "statistics": {"query": STATISTICS} | STATISTICS}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def house() -> Iterator[Warehouse]:
    """A warehouse at a service that answers with STATISTICS."""
    ASKED.clear()
    STATISTICS.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    address = f"http://127.0.0.1:{server.server_port}"
    yield Warehouse(Client("p", credentials, client_options={"api_endpoint": address}), "p", "")
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_dry_run_is_one_request_that_asks_for_no_rows(house: Warehouse) -> None:
    STATISTICS["totalBytesProcessed"] = "1610612736"

    assert house.bytes_read("SELECT @user_id", [ScalarQueryParameter("user_id", "STRING", "a")]) == 1_610_612_736

    [(path, asked)] = ASKED
    assert path == "/bigquery/v2/projects/p/jobs"
    assert asked["configuration"]["dryRun"] is True
    assert asked["configuration"]["query"]["useQueryCache"] is False
    assert asked["configuration"]["query"]["queryParameters"][0]["parameterValue"] == {"value": "a"}


def test_what_the_service_does_not_say_is_not_known(house: Warehouse) -> None:
    assert house.bytes_read("BEGIN SELECT 1; END") is None


def test_the_address_of_the_request_is_no_part_of_what_is_said() -> None:
    said = one_sentence(ValueError("POST https://bigquery.googleapis.com/x?prettyPrint=false: Table a.b was not found"))
    assert said == "Table a.b was not found."
