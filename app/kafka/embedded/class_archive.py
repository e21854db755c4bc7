"""The classes that Kafka loads, archived for Java: a broker that has them starts with half the processor time.

Java takes an archive only if it was made by the same build of Java from the same jars; else it starts as without one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

QUIET = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")
"""An archive that does not fit is no news."""


def archive_of(java: str, jars: Path) -> Path:
    """Where the archive for this Java is kept: beside the jars."""
    real = Path(java).resolve()
    facts = real.stat()
    name = hashlib.sha256(f"{real} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()
    return jars / f"classes-{name[:12]}.jsa"


def using_archive(java: str, jars: Path) -> tuple[str, ...]:
    """Java's flags for an archive that is there."""
    archive = archive_of(java, jars)
    return (f"-XX:SharedArchiveFile={archive}", *QUIET) if archive.exists() else ()


def making_archive(archive: Path) -> tuple[str, ...]:
    """Java's flags for writing one when the process ends."""
    return (f"-XX:ArchiveClassesAtExit={archive}", *QUIET)
