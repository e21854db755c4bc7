"""Which acceptance a producer has; what the traced one does is tested with the spans."""

from __future__ import annotations

from app.events import Monitor
from app.producing.acceptance import Acceptance
from app.producing.traced_acceptance import TracedAcceptance, accepting
from tests.conftest import make_settings
from tests.fakes import FakeKafka


class NeverAsked:
    """Makes no spans."""

    def begin(self, topic: str, encoded: object) -> tuple[object, object]:
        raise AssertionError("nothing was sent")


async def test_without_tracing_it_is_the_plain_one() -> None:
    kafka = FakeKafka({"t": 1})
    settings = make_settings("kafka:9092")
    plain = accepting(settings, kafka, kafka.open_client, Monitor(), "demijohn-1", None)
    assert type(plain) is Acceptance
    tracing = NeverAsked()
    traced = accepting(settings, kafka, kafka.open_client, Monitor(), "demijohn-1", tracing)  # type: ignore[arg-type]  # never used
    assert type(traced) is TracedAcceptance
    for acceptance in (plain, traced):
        await acceptance.close(0.1, 0.1, None)
