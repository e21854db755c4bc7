"""Java and Kafka's jars: found, fetched, or named as missing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from app.errors import EmbeddedBrokerError
from app.kafka.embedded.apache import node_options
from app.kafka.embedded.jars import find_jars, find_java, jars_directory, java_version, resolve_jars

OUTPUT = (
    'for given; do case "$given" in -DoutputDirectory=*) out="${given#*=}";; esac; done',
    'mkdir -p "$out"',
)
"""Makes the directory that Maven is told to copy to, `$out`."""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that is the whole PATH, but for the shell's own tools."""
    directory = tmp_path / "tools"
    directory.mkdir()
    for tool in ("sh", "mkdir", "cp", "touch", "echo", "cat"):
        for place in ("/usr/bin", "/bin"):
            if not (directory / tool).exists() and os.path.exists(f"{place}/{tool}"):
                (directory / tool).symlink_to(f"{place}/{tool}")
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("DEMIJOHN_KAFKA_JARS", raising=False)
    return directory


def script(directory: Path, name: str, *lines: str) -> None:
    path = directory / name
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def test_the_java_of_this_machine_is_found() -> None:
    java = find_java()
    assert java is not None
    assert java_version(java) >= 17


@pytest.mark.parametrize(("says", "version"), [('openjdk version "21.0.4"', 21), ('version "1.8.0_2"', 1), ("?", 0)])
def test_the_version_is_what_java_says(tools: Path, says: str, version: int) -> None:
    script(tools, "java", f"echo '{says}' >&2")
    assert java_version(str(tools / "java")) == version


def test_an_old_java_is_none_and_its_remedy_is_named(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    script(tools, "java", "echo 'version \"11.0.1\"' >&2")
    assert find_java() is None
    with pytest.raises(EmbeddedBrokerError, match=r"needs Java 17 or later: install it .* KAFKA_BOOTSTRAP_SERVERS"):
        node_options(tmp_path)


def test_without_jars_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMIJOHN_KAFKA_JARS", raising=False)
    with pytest.raises(EmbeddedBrokerError, match="make jars"):
        node_options(tmp_path)


def test_without_maven_and_docker_the_remedy_is_named(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedBrokerError, match=r"neither Maven nor Docker .* KAFKA_BOOTSTRAP_SERVERS"):
        resolve_jars(tmp_path)
    assert find_jars(tmp_path) is None


def test_maven_fetches_once(tools: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    out = jars_directory(tmp_path)
    script(tools, "mvn", f"echo called >> {log}", *OUTPUT, "touch $out/kafka.jar")
    assert resolve_jars(tmp_path) == resolve_jars(tmp_path) == out
    assert find_jars(tmp_path) == out
    assert log.read_text().split() == ["called"]


def test_a_download_that_broke_off_does_not_count(tools: Path, tmp_path: Path) -> None:
    out = jars_directory(tmp_path)
    script(tools, "mvn", *OUTPUT, "touch $out/half.jar", "echo no space left", "exit 1")
    with pytest.raises(EmbeddedBrokerError, match="no space left"):
        resolve_jars(tmp_path)
    assert find_jars(tmp_path) is None
    assert not list(tmp_path.rglob("*.jar"))
    script(tools, "mvn", *OUTPUT, "touch $out/whole.jar")
    resolve_jars(tmp_path)
    assert [path.name for path in out.glob("*.jar")] == ["whole.jar"]


def test_jars_that_are_there_stay_until_others_have_come(tools: Path, tmp_path: Path) -> None:
    out = jars_directory(tmp_path)
    out.mkdir(parents=True)
    (out / "earlier.jar").touch()
    (out / ".complete").write_text("what an earlier version asked for")
    script(tools, "mvn", "echo no network", "exit 1")
    with pytest.raises(EmbeddedBrokerError, match="no network"):
        resolve_jars(tmp_path)
    assert (out / "earlier.jar").exists()
    script(tools, "mvn", *OUTPUT, "touch $out/newer.jar")
    resolve_jars(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.jar")] == ["newer.jar"]
    assert {path.name for path in out.parent.iterdir()} == {out.name, f"{out.name}.lock", "tools"}


def test_where_there_is_no_maven_docker_gives_the_jars_of_its_image(tools: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    script(
        tools,
        "docker",
        f'echo "$@" >> {log}',
        'case "$1" in',
        '  create) echo "pulling"; echo c0ffee;;',
        '  cp) mkdir -p "$3"; touch "$3/kafka.jar";;',
        "esac",
    )
    out = resolve_jars(tmp_path)
    assert [path.name for path in out.glob("*.jar")] == ["kafka.jar"]
    assert log.read_text().splitlines() == [
        "create apache/kafka:4.1.0",
        f"cp c0ffee:/opt/kafka/libs/. {out}.fresh",
        "rm c0ffee",
    ]


def test_a_docker_that_fails_is_named_and_leaves_no_container(tools: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    lines = (
        f'echo "$@" >> {log}',
        '[ "$1" != create ] || echo c0ffee',
        '[ "$1" != cp ] || { echo denied >&2; exit 1; }',
    )
    script(tools, "docker", *lines)
    with pytest.raises(EmbeddedBrokerError, match="denied"):
        resolve_jars(tmp_path)
    assert log.read_text().splitlines()[-1] == "rm c0ffee"
