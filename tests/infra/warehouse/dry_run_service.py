"""A stand-in of BigQuery that answers dry runs with what a test gives it; the local one says 0 bytes of everything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

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


@contextmanager
def served() -> Iterator[str]:
    """The address of the service, which has been asked nothing and knows no STATISTICS yet."""
    ASKED.clear()
    STATISTICS.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
