"""Where log lines go and how they look: text for people, one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from app.observing.request_id import current_request_id
from app.settings import Settings

NOISY = ("aiokafka", "kafka", "asyncio")
"""Third-party loggers that tell at `info` what our own lines say better, and at `debug` print whole requests, payloads
included: they are never let down to that."""


class TextFormatter(logging.Formatter):
    """`2026-01-05T10:00:00.123Z INFO  the message`, the request's id at its end where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"{_time(record)} {record.levelname:<7} {record.getMessage()}"
        if request_id := current_request_id():
            text += f" request_id={request_id}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


class JsonFormatter(logging.Formatter):
    """One object a line: at, level, logger, message; request_id and traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "at": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            document["request_id"] = request_id
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return json.dumps(document)


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def set_up_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Sends every log line of this process through one handler to `stream` (stderr), as the settings say.

    May be called again: the last call counts. uvicorn has to be run with `log_config=None`.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    debugging = settings.log_level == "debug"
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.INFO if debugging else max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").setLevel(root.level if debugging else max(logging.WARNING, root.level))
