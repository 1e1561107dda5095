"""The local Cassandra: one node, without authentication, on loopback."""

from infra.local.java import find_java
from infra.local.server import Command, Place
from infra.settings import Settings

HEAP = "512m"
# What Cassandra's own start script opens of the JDK's modules
EXPORTS = (
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
)
OPENS = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
)
PROPERTIES = (
    "cassandra-foreground=yes",
    # nobody to wait for: the node is alone
    "cassandra.ring_delay_ms=100",
    "cassandra.skip_wait_for_gossip_to_settle=0",
    "cassandra.superuser_setup_delay_ms=0",
)


class Cassandra:
    """Apache Cassandra with a heap of 512 MiB; JMX stays off."""

    name = "cassandra"
    title = "Cassandra"
    port_names = ("port", "storage_port", "ssl_storage_port")

    def pinned_port(self, settings: Settings) -> int:
        """`TONEARM_LOCAL_CASSANDRA_PORT`."""
        return settings.local_cassandra_port

    def prepare(self, place: Place) -> Command:
        """Render `cassandra.yaml` and the logging configuration."""
        config = place.render("cassandra.yaml", "cassandra.yaml")
        logging = place.render("cassandra-logback.xml", "logback.xml")
        temporary = place.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return Command(
            (
                str(find_java(place.toolchain).executable),
                *(f"-Xm{end}{HEAP}" for end in "sx"),
                *("-Xss256k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"),
                *(f"--add-exports={package}=ALL-UNNAMED" for package in EXPORTS),
                *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENS),
                "-Djdk.attach.allowAttachSelf=true",
                f"-Djava.io.tmpdir={temporary}",
                f"-Dcassandra.config={config.as_uri()}",
                f"-Dcassandra.storagedir={place.data}",
                f"-Dlogback.configurationFile={logging}",
                *(f"-D{setting}" for setting in PROPERTIES),
                "-cp",
                f"{place.conf}:{place.jars()}",
                "org.apache.cassandra.service.CassandraDaemon",
            )
        )

    def answers(self, place: Place) -> bool:
        """Whether the node answers a CQL query."""
        import logging

        from cassandra.cluster import Cluster, NoHostAvailable

        logging.getLogger("cassandra").setLevel(logging.CRITICAL)  # refusals before it listens are expected
        cluster = Cluster(["127.0.0.1"], port=place.ports["port"], protocol_version=5, connect_timeout=5)
        try:
            return cluster.connect().execute("SELECT release_version FROM system.local").one() is not None
        except NoHostAvailable:
            return False
        finally:
            cluster.shutdown()
            logging.getLogger("cassandra").setLevel(logging.NOTSET)
