"""The local stack with its real servers: what starts, what a restart finds, what a kill leaves behind."""

import json
import os
import shutil
import signal
import socket
import time
import urllib.request
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
from cassandra.cluster import Cluster
from confluent_kafka.admin import AdminClient, NewTopic

from infra.local import stack as local
from infra.local.owner import current_owner
from infra.local.record import read_record
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError

EMULATOR = ("bigquery",)  # the quickest to start; what all services share is tested with it


def create_dataset(url: str, name: str) -> None:
    body = json.dumps({"datasetReference": {"projectId": "tonearm-local", "datasetId": name}}).encode()
    address, header = f"{url}/bigquery/v2/projects/tonearm-local/datasets", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, data=body, headers=header), timeout=30):
        pass


def datasets(url: str) -> set[str]:
    with urllib.request.urlopen(f"{url}/bigquery/v2/projects/tonearm-local/datasets", timeout=30) as answer:
        return {found["datasetReference"]["datasetId"] for found in json.load(answer).get("datasets", [])}


def topics(address: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": address}).list_topics(timeout=20).topics)


def cql(endpoints: local.Endpoints, statement: str) -> list[object]:
    cluster = Cluster(endpoints.cassandra_hosts, port=endpoints.cassandra_port, protocol_version=5)
    try:
        return list(cluster.connect().execute(statement, timeout=30))
    finally:
        cluster.shutdown()


def wait_until_gone(pids: list[int], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if psutil.pid_exists(pid)]}"
        time.sleep(0.1)


def test_every_server_listens_on_loopback_only(stack) -> None:
    for service in local.status(stack.settings):
        assert service.state == "running"
        assert service.rss_bytes > 0
        heard = [found for found in psutil.Process(service.pid).net_connections("tcp") if found.status == "LISTEN"]
        assert {found.laddr.ip.removeprefix("::ffff:") for found in heard} == {"127.0.0.1"}
    assert local.endpoints(stack.settings) == stack.endpoints


def test_a_killed_supervisor_leaves_no_child_and_the_next_start_finds_all_data(settings: Settings) -> None:
    where = local.start_detached(settings)
    create_dataset(where.bigquery_url, "kept")
    admin = AdminClient({"bootstrap.servers": where.kafka_bootstrap})
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])["kept"].result(30)
    cql(where, "CREATE KEYSPACE kept WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    children = [service.pid for service in local.status(settings) if service.pid]
    assert len(children) == 3

    owner = current_owner(settings.home)
    assert owner is not None
    os.kill(owner.process.pid, signal.SIGKILL)
    wait_until_gone(children)
    assert {service.state for service in local.status(settings)} == {"died"}
    with pytest.raises(StoreUnavailableError, match="tonearm up"):
        local.endpoints(settings)

    with local.local_stack(settings) as again:
        assert again == where  # the recorded ports
        assert "kept" in datasets(again.bigquery_url)
        assert "kept" in topics(again.kafka_bootstrap)
        assert cql(again, "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = 'kept'")
    assert {service.state for service in local.status(settings)} == {"stopped"}


def test_others_attach_and_do_not_stop_what_is_not_theirs(settings: Settings) -> None:
    seen: list[tuple[str, str]] = []
    with local.local_stack(settings, EMULATOR, lambda service, state: seen.append((service, state))) as first:
        with local.local_stack(settings, EMULATOR) as second:
            assert second == first
        assert local.start_detached(settings, EMULATOR) == first
        with pytest.raises(ConfigurationError, match=f"belongs to process {os.getpid()}"):
            local.stop(settings)
        with pytest.raises(ConfigurationError, match="has no kafka"), local.local_stack(settings, ("kafka",)):
            pass
        assert local.endpoints(settings, EMULATOR) == first
        assert (first.kafka_bootstrap, first.cassandra_hosts, first.cassandra_port) == ("", (), 0)
    assert seen == [("bigquery", state) for state in ("starting", "ready", "stopping", "stopped")]
    assert local.stop(settings) is False


def test_a_server_that_ends_at_start_is_explained(settings: Settings) -> None:
    data = settings.home / "bigquery" / "data"
    data.mkdir(parents=True)
    (data / "bqemulator.duckdb").write_text("not a database " * 1000)
    with pytest.raises(StoreUnavailableError, match=r"did not start: .*not a valid.*bigquery\.log"):
        local.start_detached(settings, EMULATOR)
    assert current_owner(settings.home) is None


def test_a_pinned_port_that_is_busy_is_one_sentence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pinned = settings.model_copy(update={"local_bigquery_port": port})
        with pytest.raises(ConfigurationError, match=f"^Port {port} is in use.*TONEARM_LOCAL_BIGQUERY_PORT"):
            local.start_detached(pinned, EMULATOR)


def test_an_orphan_of_a_killed_owner_is_replaced(settings: Settings) -> None:
    where = local.start_detached(settings, EMULATOR)
    record, owner = read_record(settings.home, "bigquery"), current_owner(settings.home)
    assert record and record.process and owner
    os.kill(record.process.pid, signal.SIGSTOP)  # deaf for now to the signal that its parent's death sends
    try:
        os.kill(owner.process.pid, signal.SIGKILL)
        while current_owner(settings.home) is not None:
            time.sleep(0.05)
    finally:
        os.kill(record.process.pid, signal.SIGCONT)
    with local.local_stack(settings, EMULATOR) as again:
        assert datasets(again.bigquery_url) is not None
        assert again.bigquery_url.startswith("http://127.0.0.1:") and where.bigquery_url
    wait_until_gone([record.process.pid])


def test_a_full_disk_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(2**40, 2**40 - 2**29, 2**29))
    with pytest.raises(StoreUnavailableError, match=r"^512 MiB are free"), local.local_stack(settings, EMULATOR):
        pass


def test_missing_set_up_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    bare = settings.model_copy(update={"toolchain": tmp_path})
    with pytest.raises(ConfigurationError, match="make setup"), local.local_stack(bare, EMULATOR):
        pass


def test_stores_of_the_users_own_are_not_started(tmp_path: Path) -> None:
    own = Settings(
        home=tmp_path, kafka_bootstrap="k1:9092,k2:9092", cassandra_hosts="c1, c2", bigquery_endpoint="http://b:80"
    )
    expected = local.Endpoints("k1:9092,k2:9092", ("c1", "c2"), 9042, "http://b:80")
    assert local.endpoints(own) == expected
    with local.local_stack(own) as where:
        assert where == expected
    assert local.status(own) == []
