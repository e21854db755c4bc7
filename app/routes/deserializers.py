"""What a line of the table may give as `payload`, `key` and `headers`, made into deserialisers."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, TypeAdapter

from app.serialization import Deserializer


def is_model(given: Any) -> bool:
    """Whether `given` is a pydantic model or a msgspec struct."""
    return isinstance(given, type) and issubclass(given, (BaseModel, msgspec.Struct))


def deserializer_of(given: Any) -> Deserializer:
    """A callable from bytes as it is; a pydantic model and a msgspec struct as readers of JSON that is like them.

    What they raise for other JSON (pydantic.ValidationError, msgspec.ValidationError) says where it differs.
    """
    if not is_model(given):
        deserializer: Deserializer = given
        return deserializer
    if issubclass(given, BaseModel):
        return TypeAdapter(given).validator.validate_json
    return msgspec.json.Decoder(given).decode
