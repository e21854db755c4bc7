"""Kafka's classes, archived for Java."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from app.kafka.embedded.apache import ApacheCluster, archive_classes, node_options
from app.kafka.embedded.class_archive import archive_of, using_archive
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, find_java, resolve_jars


def test_an_archive_that_is_not_there_is_not_asked_for(tmp_path: Path) -> None:
    java = find_java()
    assert java is not None
    assert using_archive(java, tmp_path) == ()
    archive_of(java, tmp_path).touch()
    assert f"-XX:SharedArchiveFile={archive_of(java, tmp_path)}" in using_archive(java, tmp_path)


def test_another_java_has_an_archive_of_its_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name * 2)
    assert archive_of(str(tmp_path / "one"), tmp_path) != archive_of(str(tmp_path / "two"), tmp_path)


@pytest.mark.timeout(180)
def test_it_is_made_once_and_a_broker_starts_with_one_that_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = tmp_path / "jars"
    shutil.copytree(resolve_jars(), jars, ignore=shutil.ignore_patterns("*.jsa"))
    monkeypatch.setenv("DEMIJOHN_KAFKA_JARS", str(jars))
    asyncio.run(archive_classes(DEFAULT_DIRECTORY))
    options = node_options(DEFAULT_DIRECTORY)
    archive = archive_of(options.java, jars)
    assert options.flags[0] == f"-XX:SharedArchiveFile={archive}"
    assert [path for path in jars.iterdir() if path.is_dir()] == []
    assert archive.stat().st_size > 1_000_000
    archive.chmod(0o644)
    archive.write_bytes(b"not an archive")
    asyncio.run(archive_classes(DEFAULT_DIRECTORY))
    asyncio.run(_starts(tmp_path / "kafka"))


async def _starts(directory: Path) -> None:
    cluster = ApacheCluster(directory, options=node_options(DEFAULT_DIRECTORY))
    await cluster.start()
    await cluster.stop()
