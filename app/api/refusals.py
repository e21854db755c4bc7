"""The answer to a refused request, in the shape that its route has."""

from __future__ import annotations

from app.api.calls import Call
from app.api.confluent_errors import confluent_reply, is_confluent_path
from app.api.problems import Refusal, refuse
from app.api.replies import Reply


def refusal_reply(refusal: Refusal, call: Call) -> Reply:
    """The whole answer."""
    if is_confluent_path(call.path):
        return confluent_reply(refusal)
    return refuse(refusal, call.request_id, call.root)
