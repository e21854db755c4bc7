"""`POST /produce`: one message, answered with its verdict or with a receipt."""

from __future__ import annotations

from app.api.admission import Admission
from app.api.bodies import check_content_encoding, check_content_type, read_body
from app.api.calls import Call, RouteInfo
from app.api.message_reader import read_one
from app.api.problems import Refusal
from app.api.produce_options import OptionsReader, ProduceOptions
from app.api.replays import Attempt, Replays
from app.api.replies import Reply
from app.api.single import SingleAttempt, SingleMessages
from app.messages import OutgoingMessage
from app.settings import Settings


class ProduceRoute:
    """Handles calls to `POST /produce`."""

    info = RouteInfo("/produce", writes=True, produces=True)

    def __init__(self, settings: Settings, admission: Admission, single: SingleMessages, replays: Replays) -> None:
        self._settings = settings
        self._options = OptionsReader(settings, ("mode", "timeout"))
        self._admission = admission
        self._single = single
        self._replays = replays

    async def __call__(self, call: Call) -> Reply:
        check_content_type(call)
        check_content_encoding(call)
        options = self._options.read(call.query)
        body = await read_body(call, self._admission, self._settings.http_body_timeout_s)
        if b"idempotency-key" in call.headers:
            return await self._replays.answer(call, body, lambda: self._attempt(body, call, options))
        message = self._message(body, call)
        if options.queued:
            return await self._single.queue(message)
        return await self._single.verdict(self._single.accept(message, call), options.timeout_s)

    def _message(self, body: bytes, call: Call) -> OutgoingMessage:
        read = read_one(body)
        if read.outgoing is None:
            raise Refusal("invalid_message", "; ".join(map(str, read.faults)), read.faults)
        return self._single.sendable(read.outgoing, call)

    def _attempt(self, body: bytes, call: Call, options: ProduceOptions) -> Attempt:
        return SingleAttempt(self._message(body, call), options, self._single)
