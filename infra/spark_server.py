"""Apache Spark for one machine: a Spark Connect server as a child process on loopback.

PySpark's own `remote("local")` would keep the server inside this process: on a fixed port, so that two runs collide,
and with a token in the environment that spoils sessions with any other engine.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyspark

from infra.local.java import machine_java
from infra.local.ports import choose_ports
from infra.local.process import start_process, stop_processes, telling_line
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError

_JARS_FOLDER = "jars/delta"
_READY_SECONDS = 90.0
_LOOK_AGAIN_SECONDS = 0.1
_CONFIGURATION = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.ui.enabled": "false",
}


@contextmanager
def spark_server(settings: Settings) -> Iterator[str]:
    """Start the server with Delta, yield its address (`sc://…`), and stop it on exit.

    Raises ConfigurationError without a full Java 17 and its jars, StoreUnavailableError when it does not come up.
    """
    java = machine_java()
    jars = sorted(str(jar) for jar in (settings.toolchain / _JARS_FOLDER).glob("*.jar"))
    if java is None or not java.is_full or not jars:
        raise ConfigurationError(
            "The spark engine needs a full Java 17 and its jars: install openjdk-17-jdk-headless and run `make setup`, "
            "or use TONEARM_ENGINE=sail."
        )
    home = settings.home.resolve()
    work = home / "spark"
    work.mkdir(parents=True, exist_ok=True)
    port = choose_ports("spark", ["port"], pinned=0, recorded={}, taken=())["port"]
    log = home / "logs" / "spark.log"
    # The workers run this interpreter, which has the packages, and find the project's modules where this process does:
    # with the machine's own Python, functions and data sources in Python fail in the worker.
    environment = {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    server = start_process(_command(jars, port), log=log, env=environment, cwd=work)
    process = psutil.Process(server.pid)
    try:
        _wait_until_ready(process, port, log)
        yield f"sc://127.0.0.1:{port}"
    finally:
        stop_processes([*process.children(recursive=True), process] if process.is_running() else [])
        server.wait()


def _command(jars: list[str], port: int) -> list[str]:
    folder = Path(pyspark.__file__).parent
    configuration = _CONFIGURATION | {"spark.jars": ",".join(jars), "spark.connect.grpc.binding.port": str(port)}
    options = [word for name, value in configuration.items() for word in ("--conf", f"{name}={value}")]
    main_class = "org.apache.spark.sql.connect.service.SparkConnectServer"
    submit = str(folder / "bin" / "spark-submit")
    return [submit, "--master", "local[2]", "--class", main_class, *options, "spark-internal"]


def _wait_until_ready(process: psutil.Process, port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise StoreUnavailableError(f"Apache Spark did not start: see {log}; it says: {telling_line(log)}")
