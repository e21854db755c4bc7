"""The web page as it was built: its shell, the same at every address, and the files that the shell asks for."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).with_name("static")
INDEX = "index.html"
ASSETS = "assets"
BASE = b'"/dashboard'
COMPRESSED = frozenset({"application/javascript", "application/json", "image/svg+xml", "text/css", "text/javascript"})
GZIP_LEVEL = 9


@dataclass(frozen=True, slots=True)
class File:
    """One file, read at start; `compressed` is its gzip where that is smaller."""

    content: bytes
    media_type: str
    etag: str
    compressed: bytes | None = None


@dataclass(frozen=True, slots=True)
class WebPage:
    """What was built: the shell, and its files by the name that stands after `/dashboard/assets/`."""

    shell: File
    assets: Mapping[str, File]


def load_web_page(root_path: str, static: Path = STATIC) -> WebPage | None:
    """What `make ui` has built, its addresses below `root_path`; None where nothing was built."""
    index = static / INDEX
    if not index.is_file():
        return None
    shell = index.read_bytes().replace(BASE, b'"' + root_path.rstrip("/").encode("utf-8") + b"/dashboard")
    below = static / ASSETS
    paths = sorted(path for path in below.rglob("*") if path.is_file())
    assets = {path.relative_to(below).as_posix(): _file(path.read_bytes(), path.name) for path in paths}
    return WebPage(_file(shell, INDEX), assets)


def _file(content: bytes, name: str) -> File:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    compressed = gzip.compress(content, GZIP_LEVEL, mtime=0) if media_type in COMPRESSED else content
    return File(content, media_type, etag, compressed if len(compressed) < len(content) else None)
