"""The engine that runs the PySpark transforms: `sail` inside this process, or Apache Spark.

Both are reached through Spark Connect, so that a transform cannot use what only one of them has. Sessions run in UTC:
under another session zone the two engines disagree about `to_date`.
"""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from infra.settings import Settings
from schemas.errors import ConfigurationError

_SPARK_JARS_FOLDER = "jars/delta"
_SPARK_CONFIGURATION = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": "0",
    "spark.ui.enabled": "false",
}


@contextmanager
def open_session(settings: Settings) -> Iterator[SparkSession]:
    """Open a session of the configured engine and stop it afterwards.

    Raises ConfigurationError when the `spark` engine lacks its jars (they are set up where a full Java 17 is found).
    """
    starter = _start_cluster if settings.spark_remote else {"sail": _start_sail, "spark": _start_spark}[settings.engine]
    with starter(settings) as session:
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session


@contextmanager
def _start_sail(settings: Settings) -> Iterator[SparkSession]:
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").create()
    try:
        yield session
    finally:
        session.stop()
        server.stop()


@contextmanager
def _start_spark(settings: Settings) -> Iterator[SparkSession]:
    jars = sorted(str(jar) for jar in (settings.toolchain / _SPARK_JARS_FOLDER).glob("*.jar"))
    if not jars:
        raise ConfigurationError(
            "The spark engine needs a full Java 17 and its jars: install openjdk-17-jdk-headless and run `make setup`, "
            "or use TONEARM_ENGINE=sail."
        )
    # Without it the Python workers are the system's interpreter, which has none of the packages.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.remote("local[2]")
    for name, value in (_SPARK_CONFIGURATION | {"spark.jars": ",".join(jars)}).items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        # The client sets everything a second time on the started server, which refuses what is static by then.
        warnings.filterwarnings("ignore", message="Failed to set spark")
        session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def _start_cluster(settings: Settings) -> Iterator[SparkSession]:
    session = SparkSession.builder.remote(settings.spark_remote).create()
    try:
        yield session
    finally:
        session.stop()
