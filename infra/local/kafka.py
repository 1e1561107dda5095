"""The local Kafka: one broker in KRaft mode, which is its own controller."""

import base64
import uuid

from infra.local.java import find_java
from infra.local.process import run_to_end
from infra.local.server import Command, Place
from infra.settings import Settings


class Kafka:
    """Apache Kafka with a heap of 384 MiB."""

    name = "kafka"
    title = "Kafka"
    port_names = ("port", "controller_port")

    def pinned_port(self, settings: Settings) -> int:
        """`TONEARM_LOCAL_KAFKA_PORT`."""
        return settings.local_kafka_port

    def prepare(self, place: Place) -> Command:
        """Render the broker's properties and format its storage once."""
        properties = place.render("kafka.properties", "server.properties")
        logging = place.render("kafka-log4j2.properties", "log4j2.properties")
        java = (
            str(find_java(place.toolchain).executable),
            "-Xms128m",
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={logging.as_uri()}",
            "-cp",
            place.jars(),
        )
        if not (place.data / "meta.properties").exists():
            # a cluster id is 16 bytes in URL-safe base64; a leading dash would read as an option
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
            tool = ("kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(properties))
            run_to_end((*java, *tool), what="format Kafka's storage")
        return Command((*java, "kafka.Kafka", str(properties)))

    def answers(self, place: Place) -> bool:
        """Whether the broker returns metadata that names itself."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        address = f"127.0.0.1:{place.ports['port']}"
        admin = AdminClient({"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": 2000})
        try:
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False
