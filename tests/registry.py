"""A stand-in for a schema registry, since a real one cannot be had here: the one request that is made, over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from schemas.model import Event
from schemas.render.avro import avro_schema


@dataclass
class Registry:
    """Answers as Confluent's does; `broken` is the status of all answers instead, where it is one."""

    url: str = ""
    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    broken: int = 0

    def register(self, schema_id: int, schema: object, **more: Any) -> None:
        """Put a schema under an id: an event's, or any other as it is written."""
        written = avro_schema(schema) if isinstance(schema, Event) else schema
        self.schemas[schema_id] = {"schema": written if isinstance(written, str) else json.dumps(written)} | more

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        if self.broken:
            return self.broken, {"error_code": self.broken, "message": "broken"}
        head, _, number = path.rpartition("/")
        if head != "/schemas/ids":
            return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
        if int(number) not in self.schemas:
            return 404, {"error_code": 40403, "message": f"Schema {number} not found"}
        return 200, self.schemas[int(number)]


@contextmanager
def started_registry(port: int = 0) -> Iterator[Registry]:
    """The stand-in on loopback as long as the block lasts."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.asked.append(self.path)
            registry.headers.append(dict(self.headers))
            status, body = registry.answer(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
