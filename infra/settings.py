"""One settings object: where state lives, which engine computes, which stores are used.

Every field can be set as an environment variable `TONEARM_<FIELD>`. A store whose address is left empty is the local
one, started as a child process (`infra.local`).
"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROUND_ROWS = 3_000_000
"""What is more at once is computed, and checked, in parts."""

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one Tonearm deployment; immutable once read."""

    model_config = SettingsConfigDict(env_prefix="TONEARM_", frozen=True, extra="ignore")

    home: Path = Field(Path(".tonearm"), description="folder that holds all state: lake, logs, manifests, keys")
    toolchain: Path = Field(
        REPOSITORY / ".tonearm" / "toolchain", description="folder of virtual environments, jars and the Java wheel"
    )
    engine: Literal["sail", "spark"] = Field("sail", description="engine that runs the PySpark transforms")
    spark_remote: str = Field(
        "", description="Spark Connect address of a cluster (sc://…); driver: this is one; empty: embedded"
    )
    lake_retention_days: int = Field(
        7, ge=1, le=30, description="days for which `tonearm maintain` leaves every version of a table readable"
    )

    statistics: bool = Field(
        True, description="whether runs compute the statistics of listeners, countries and periods"
    )
    round_rows: int = Field(
        ROUND_ROWS, ge=1, description="rows, or new records, that are computed at once; a million take about 1.3 GiB"
    )
    catalogue_feed: Path | None = Field(
        None, description="feed of the catalogue (genres, years of release); empty: the simulation's, if any"
    )

    lineage_url: str = Field("", description="server that OpenLineage events go to by HTTP; empty: a file in the home")

    kafka_bootstrap: str = Field("", description="host:port[,…] of your own Kafka; empty: the local broker")
    kafka_properties: Path | None = Field(None, description="librdkafka properties file for your own Kafka (SASL, TLS)")
    playback_topic: str = Field("playback-events", description="topic of playback events")
    playback_partitions: int = Field(4, ge=1, description="partitions of a playback topic that Tonearm creates")

    schema_registry_url: str = Field("", description="address of a Confluent-compatible schema registry; empty: none")
    schema_registry_user: str = Field(
        "", description="user there; the password is read from schema_registry_password_file"
    )
    schema_registry_password_file: Path | None = Field(None, description="file that holds the registry's password")

    bigquery_project: str = Field("tonearm-local", description="BigQuery project")
    bigquery_endpoint: str = Field("", description="BigQuery API address; empty: the local stand-in")
    bigquery_dataset_prefix: str = Field("", description="put before every dataset name, for shared projects")

    cassandra_hosts: str = Field("", description="host[,…] of your own Cassandra; empty: the local node")
    cassandra_port: int = Field(9042, description="CQL port of your own Cassandra")
    cassandra_keyspace: str = Field("tonearm", description="keyspace of the serving tables")
    cassandra_user: str = Field("", description="CQL user; the password is read from cassandra_password_file")
    cassandra_password_file: Path | None = Field(None, description="file that holds the CQL password")

    local_kafka_port: int = Field(0, ge=0, le=65535, description="port of the local broker; 0: any free one")
    local_cassandra_port: int = Field(0, ge=0, le=65535, description="CQL port of the local node; 0: any free one")
    local_bigquery_port: int = Field(0, ge=0, le=65535, description="port of the local BigQuery; 0: any free one")

    @property
    def lake(self) -> Path:
        """Root of the Delta tables: `<home>/lake/<layer>/<table>`."""
        return self.home.resolve() / "lake"

    @property
    def feed(self) -> Path | None:
        """File or folder of the catalogue's feed: what is set, else the simulation's; None where there is none."""
        own = self.simulated_feed
        return self.catalogue_feed or (own if own.exists() else None)

    @property
    def simulated_feed(self) -> Path:
        """Where a simulation writes the feed of its catalogue."""
        return self.home / "catalogue.jsonl"
