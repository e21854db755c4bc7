"""What a Content-Type says of a body: JSON or lines of it, in UTF-8."""

from __future__ import annotations

import re

MEDIA_TYPE = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+)\s*((?:;.*)?)", re.S | re.I).fullmatch
NDJSON = re.compile(rb"\s*application/x-ndjson\s*((?:;.*)?)", re.S | re.I).fullmatch
CHARSET = re.compile(rb";\s*charset\s*=\s*(\"[^\"]*\"|[^;\s]*)", re.I).findall
TYPES_REMEMBERED = 1000
_json_types: dict[bytes, bool] = {}


def is_utf_8(parameters: bytes) -> bool:
    """Whether any charset that the parameters of a media type name is UTF-8."""
    return {value.strip(b'"').lower() for value in CHARSET(parameters)} <= {b"utf-8", b"utf8"}


def is_ndjson(content_type: bytes) -> bool:
    """Whether a body is lines of JSON in UTF-8."""
    match = NDJSON(content_type)
    return match is not None and is_utf_8(match[1])


def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type is JSON (also `*/*+json`) and any charset it names is UTF-8. None at all means JSON."""
    known = _json_types.get(content_type)
    if known is None:
        if len(_json_types) >= TYPES_REMEMBERED:
            _json_types.clear()
        known = _json_types[content_type] = _is_json(content_type)
    return known


def _is_json(content_type: bytes) -> bool:
    if not content_type.strip():
        return True
    match = MEDIA_TYPE(content_type)
    if match is None:
        return False
    name, parameters = match[1].lower(), match[2]
    subtype = name.partition(b"/")[2]
    is_json_type = name == b"application/json" or (subtype.endswith(b"+json") and subtype != b"+json")
    return is_json_type and is_utf_8(parameters)
