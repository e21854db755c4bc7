"""JSON Schemas of payloads: one file for each topic that has one, HTTP_SCHEMAS_DIR/{topic}.json."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from jsonschema_rs import Draft202012Validator, ReferencingError, ValidationError

from app.api.problems import Refusal
from app.errors import ConfigurationError, Fault
from app.routes.validation import is_topic_name
from app.serialization import decode_json

SETTING = "HTTP_SCHEMAS_DIR"
MAX_FAULTS = 20
MAX_TEXT = 300
ALL_FAULTS_BYTES = 512
"""Of longer payloads only the first fault is told: the library finds all before it tells any, and a payload of one
megabyte can have half a million, which take 24 s."""
UNUSABLE = "is no JSON Schema (2020-12) that can be used"


class PayloadSchemas:
    """Checks payloads of the topics that have a schema; all schemas are read once."""

    def __init__(self, validators: Mapping[str, Draft202012Validator]) -> None:
        self._validators = validators

    def refusal(self, topic: str, payload: bytes | None) -> Refusal | None:
        """Why a payload may not go into `topic`; None where it may, as a tombstone always may."""
        validator = self._validators.get(topic)
        if validator is None or payload is None:
            return None
        faults = _faults(validator, payload)
        if not faults:
            return None
        return Refusal("schema_violation", f"{faults[0]} (schema of topic {topic})", faults)


def load_schemas(directory: str) -> PayloadSchemas:
    """The schemas of a directory. Raises ConfigurationError with every fault."""
    if not Path(directory).is_dir():
        raise ConfigurationError([Fault(SETTING, f"{directory} is not a directory")])
    validators: dict[str, Draft202012Validator] = {}
    faults: list[Fault] = []
    for path in sorted(Path(directory).glob("*.json")):
        try:
            validators[path.stem] = _load(path)
        except ValueError as error:
            faults.append(Fault(SETTING, f"{path} {error}"))
    if faults:
        raise ConfigurationError(faults)
    return PayloadSchemas(validators)


def _load(path: Path) -> Draft202012Validator:
    if not is_topic_name(path.stem):
        raise ValueError("does not bear the name of a topic")
    try:
        return Draft202012Validator(orjson.loads(path.read_bytes()), retriever=_refuse_remote)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    except ValidationError as error:
        raise ValueError(f"{UNUSABLE}: {error.message}") from None
    except (ReferencingError, ValueError) as error:
        raise ValueError(f"{UNUSABLE}: {error}") from None


def _refuse_remote(uri: str) -> Any:
    raise ValueError(f"{uri} is not in the file, and nothing is fetched")


def _faults(validator: Draft202012Validator, payload: bytes) -> list[Fault]:
    try:
        value = decode_json(payload)
    except (ValueError, RecursionError):
        return [Fault("payload", "must be JSON, as its topic has a schema")]
    try:
        if len(payload) <= ALL_FAULTS_BYTES:
            return [_fault(error) for error in islice(validator.iter_errors(value), MAX_FAULTS)]
        validator.validate(value)
    except ValidationError as error:
        return [_fault(error)]
    except (ValueError, RecursionError):
        return [Fault("payload", "cannot be held against the schema: it is nested too deeply, or not all text")]
    return []


def _fault(error: ValidationError) -> Fault:
    path = ".".join(["payload", *map(str, error.instance_path)])
    text = error.message
    return Fault(path, text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT // 2]} … {text[-MAX_TEXT // 2 :]}")
