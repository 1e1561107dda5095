"""What a manifest says, above all when its producer died."""

import resource
from pathlib import Path

import pytest

from infra.kafka.manifests import Journal, read_manifest, read_manifests
from schemas.errors import InputError


def journal(home: Path) -> Journal:
    return Journal(home, "import", "topic", "topic-id", "subject")


def test_a_finished_manifest_has_no_doubt(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.plan(events=3, rejects=0)
    written.acknowledge({"2026-11-23T03": {0: 2, 1: 1}})
    written.plan(events=0, rejects=2)
    written.acknowledge({"2026-11-23T03": {1: 1}, "2026-11-23T04": {1: 1}})
    written.finish()
    written.close()
    (read,) = read_manifests(tmp_path)
    assert (read.manifest_id, read.source, read.subject) == (written.manifest_id, "import", "subject")
    assert (read.topic, read.topic_id) == ("topic", "topic-id")
    assert (read.events, read.rejects, read.planned, read.acknowledged, read.in_doubt) == (3, 2, 5, 5, 0)
    assert read.finished
    assert read.by_hour_and_partition == {"2026-11-23T03": {0: 2, 1: 2}, "2026-11-23T04": {1: 1}}
    assert read.by_hour == {"2026-11-23T03": 4, "2026-11-23T04": 1}
    assert read.by_partition == {0: 2, 1: 3}
    assert read.in_doubt_by_hour == {}


def test_what_was_planned_and_not_acknowledged_is_in_doubt(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.plan(events=3, rejects=0)
    written.acknowledge({"2026-11-23T03": {0: 1}})
    written.plan(events=4, rejects=0)
    (read,) = read_manifests(tmp_path)
    assert (read.planned, read.acknowledged, read.in_doubt, read.finished) == (7, 1, 6, False)
    assert sum(read.in_doubt_by_hour.values()) == 6


def test_a_torn_last_line_counts_as_not_written(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.plan(events=3, rejects=0)
    whole = written.path.read_bytes()
    written.acknowledge({"2026-11-23T03": {0: 3}})
    complete = written.path.read_bytes()
    for end in range(len(whole), len(complete)):
        written.path.write_bytes(complete[:end])
        read = read_manifest(written.path)
        assert read is not None
        assert read.in_doubt == 3


def test_a_line_for_which_there_is_no_space_is_not_there_at_all(tmp_path: Path) -> None:
    """The system takes a part of it and says no error; a torn line would spoil the one after it."""
    written = journal(tmp_path)
    written.plan(events=3, rejects=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (written.path.stat().st_size + 10, hard))
    try:
        with pytest.raises(OSError):
            written.acknowledge({"2026-11-23T03": {0: 3}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    written.acknowledge({"2026-11-23T03": {0: 2}})
    (read,) = read_manifests(tmp_path)
    assert (read.planned, read.acknowledged, read.in_doubt) == (3, 2, 1)


def test_a_manifest_without_a_whole_first_line_says_nothing(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.path.write_bytes(written.path.read_bytes()[:-1])
    assert read_manifests(tmp_path) == []


def test_damage_before_the_last_line_is_an_error(tmp_path: Path) -> None:
    written = journal(tmp_path)
    written.path.write_bytes(written.path.read_bytes() + b"{\n" + b"{}\n")
    with pytest.raises(InputError, match=f"The manifest {written.path} is damaged"):
        read_manifests(tmp_path)


def test_a_home_without_manifests_has_none(tmp_path: Path) -> None:
    assert read_manifests(tmp_path) == []
