"""The path of a request as routes see it: without the prefix that an ingress leaves there, its names kept whole."""

from __future__ import annotations

import re
from urllib.parse import unquote

from app.api.replies import Scope

ENCODED_SLASH = re.compile(rb"%2f", re.I)
KEPT = b"%252F"


def below_root(scope: Scope, root: str) -> Scope:
    """The request as it would be without HTTP_ROOT_PATH in its path, whether the ingress has left that there or not."""
    path = scope["path"]
    if path != root and not path.startswith(root + "/"):
        return {**scope, "root_path": root}
    raw_path = (scope.get("raw_path") or b"").removeprefix(root.encode("ascii"))
    return {**scope, "path": path[len(root) :] or "/", "raw_path": raw_path or b"/", "root_path": root}


def with_whole_names(scope: Scope) -> Scope:
    """The request with every slash that was percent-encoded left so: it belongs to a name, such as a topic's, which no
    route may take for two."""
    raw = scope.get("raw_path") or b""
    if not ENCODED_SLASH.search(raw):
        return scope
    return {**scope, "path": unquote(ENCODED_SLASH.sub(KEPT, raw).decode("latin-1"))}
