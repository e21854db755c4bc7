"""The bodies of actions: JSON objects, bounded, without a field that nobody knows; each fault is told with its path."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.api.json_text import MalformedJson, check_text, members
from app.api.problems import Refusal
from app.errors import Fault

MAX_BYTES = 1024 * 1024
MAX_FAULTS = 100
IN_OUR_WORDS = {"extra_forbidden": "is not known", "missing": "is required"}
"""What pydantic says otherwise in words of its own language."""


class ActionBody(BaseModel):
    """What an action takes; one without fields takes an empty object, or nothing. Subclasses name the fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


B = TypeVar("B", bound=ActionBody)


def read_action(kind: type[B], raw: bytes) -> B:
    """The body of an action. Raises Refusal: body_too_large, malformed_json, or invalid_action with every fault."""
    if len(raw) > MAX_BYTES:
        raise Refusal("body_too_large", f"The body of an action may have {MAX_BYTES} bytes")
    try:
        text = check_text(raw).decode("utf-8") or "{}"
        fields = members(text)
    except MalformedJson as error:
        raise Refusal("malformed_json", f"The body is not JSON: {error}") from None
    if fields is None:
        raise invalid([Fault("", "must be a JSON object")])
    if repeated := _repeated([name for name, _ in fields]):
        raise invalid([Fault(name, "is given more than once") for name in repeated])
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[:MAX_FAULTS]
        raise invalid([_fault(detail) for detail in details]) from None


def invalid(faults: list[Fault]) -> Refusal:
    """422: the action cannot be understood as it is."""
    return Refusal("invalid_action", "; ".join(map(str, faults)), faults)


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _fault(detail: Any) -> Fault:
    said = str(detail["msg"]).removeprefix("Value error, ")
    path = ".".join(str(step) for step in detail["loc"])
    return Fault(path, IN_OUR_WORDS.get(detail["type"], f"{said[:1].lower()}{said[1:]}"))
