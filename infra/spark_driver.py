"""Apache Spark of a cluster, from within: this process is the driver of an application that `spark-submit` has started.

The driver serves Spark Connect to itself, so that transforms meet the same session as anywhere else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.ports import choose_ports
from schemas.errors import ConfigurationError

DRIVER = "driver"
"""Value of `TONEARM_SPARK_REMOTE` that asks for it."""


@contextmanager
def driver_server() -> Iterator[str]:
    """Start the application's context with Spark Connect on loopback, yield its address, and stop it on exit.

    Master, jars and all other configuration are what the application was submitted with. Raises ConfigurationError
    where none was.
    """
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        raise ConfigurationError(
            f"TONEARM_SPARK_REMOTE={DRIVER} is for an application that spark-submit starts: give the address of a "
            "Spark Connect server (sc://…), or leave it empty."
        )
    from pyspark import SparkConf, SparkContext

    port = choose_ports("spark", ["port"], pinned=0, recorded={}, taken=())["port"]
    configuration = {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    context = SparkContext.getOrCreate(SparkConf().setAll(list(configuration.items())))
    # The context has it; a session of Spark Connect refuses to begin where it is said.
    os.environ.pop("MASTER", None)
    try:
        yield f"sc://127.0.0.1:{port}"
    finally:
        context.stop()
