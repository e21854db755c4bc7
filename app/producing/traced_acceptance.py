"""Acceptance that has every message followed by a trace; where no traces are made the plain one is used."""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from app.errors import ProduceError
from app.events import Monitor
from app.kafka.protocols import ClusterView, ProducerOpener
from app.producing.acceptance import Acceptance, Outlet
from app.producing.contract import Encoded
from app.producing.handle import DeliveryHandle, OnSettled
from app.producing.preparation import Prepared
from app.settings import Settings


class SendSpan(Protocol):
    """Follows messages from their acceptance to their verdicts."""

    def settled(self, handle: DeliveryHandle) -> None:
        """One of them has its verdict."""

    def refused(self, error: ProduceError) -> None:
        """One of them was not taken on after all."""


class SendTracing(Protocol):
    """Makes the spans of what is sent."""

    def begin(self, topic: str, encoded: Encoded) -> tuple[Encoded, SendSpan]:
        """The message as it is to be stored, and its span."""


def accepting(
    settings: Settings,
    cluster: ClusterView,
    open_client: ProducerOpener,
    monitor: Monitor,
    producer_id: str,
    tracing: SendTracing | None,
) -> Acceptance:
    """What takes messages on: without a look at tracing where there is none."""
    if tracing is None:
        return Acceptance(settings, cluster, open_client, monitor, producer_id)
    return TracedAcceptance(tracing, settings, cluster, open_client, monitor, producer_id)


class TracedAcceptance(Acceptance):
    """Tells `tracing` of each message that is taken on."""

    def __init__(
        self,
        tracing: SendTracing,
        settings: Settings,
        cluster: ClusterView,
        open_client: ProducerOpener,
        monitor: Monitor,
        producer_id: str,
    ) -> None:
        super().__init__(settings, cluster, open_client, monitor, producer_id)
        self._tracing = tracing

    def _take(
        self,
        prepared: Prepared,
        outlet: Outlet,
        *,
        queued: bool,
        on_settled: OnSettled | None = None,
        admitted: bool = False,
    ) -> DeliveryHandle:
        encoded, span = self._tracing.begin(prepared.message.topic, prepared.encoded)

        def settled(handle: DeliveryHandle) -> None:
            span.settled(handle)
            if on_settled is not None:
                on_settled(handle)

        try:
            return super()._take(
                replace(prepared, encoded=encoded), outlet, queued=queued, on_settled=settled, admitted=admitted
            )
        except ProduceError as error:
            span.refused(error)
            raise
