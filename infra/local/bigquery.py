"""The local BigQuery: an emulator of its REST interface that keeps its tables in a file."""

import json
import urllib.error
import urllib.request

from infra.local.server import Command, Place
from infra.settings import Settings
from schemas.errors import ConfigurationError


class BigQuery:
    """`bqemulator` in its own environment."""

    name = "bigquery"
    title = "BigQuery stand-in"
    port_names = ("port", "grpc_port")

    def pinned_port(self, settings: Settings) -> int:
        """`TONEARM_LOCAL_BIGQUERY_PORT`."""
        return settings.local_bigquery_port

    def prepare(self, place: Place) -> Command:
        """Point the emulator at its data; without `--persistent` it would forget everything."""
        environment = place.toolchain / "bqemulator"
        program = environment / "bin" / "bqemulator"
        if not program.is_file():
            raise ConfigurationError(f"The BigQuery stand-in is not in {environment}: run `make setup`.")
        place.data.mkdir(parents=True, exist_ok=True)
        return Command(
            (
                *(str(program), "start", "--persistent", "--data-dir", str(place.data)),
                *("--rest-host", "127.0.0.1", "--rest-port", str(place.ports["port"])),
                *("--grpc-host", "127.0.0.1", "--grpc-port", str(place.ports["grpc_port"])),
                *("--project", place.settings.bigquery_project, "--log-level", "warning", "--log-format", "json"),
            ),
            {"HOME": str(environment / "home")},  # where set-up put the extension that it loads
        )

    def answers(self, place: Place) -> bool:
        """Whether it lists the project's datasets."""
        path = f"bigquery/v2/projects/{place.settings.bigquery_project}/datasets"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{place.ports['port']}/{path}", timeout=5) as answer:
                return "kind" in json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError, ValueError):
            return False
