"""Where messages leave: a client and its lanes for the producer's own settings, and for those of each variant."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from app.events import Monitor
from app.kafka.protocols import ClientOptions, ClusterView, ProducerOpener
from app.producing.clients import ClientSlot
from app.producing.dispatcher import Dispatcher
from app.producing.handle import DeliveryHandle
from app.producing.partitioners import PARTITIONERS
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How a variant differs from the settings; None: as they say."""

    acks: str | None = None
    compression: str | None = None
    delivery_timeout_s: float | None = None

    def changed(self, acks: str | None, compression: str | None, delivery_timeout_s: float | None) -> DeliveryOptions:
        """These, with what is given instead."""
        return DeliveryOptions(
            acks or self.acks, compression or self.compression, delivery_timeout_s or self.delivery_timeout_s
        )


AS_CONFIGURED = DeliveryOptions()


class Outlets:
    """One dispatcher for each set of delivery options, built when it is first used and closed with the others."""

    def __init__(
        self,
        settings: Settings,
        cluster: ClusterView,
        open_client: ProducerOpener,
        monitor: Monitor,
        producer_id: str,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._open_client = open_client
        self._monitor = monitor
        self._producer_id = producer_id
        self._slots: list[ClientSlot] = []
        self._dispatchers: dict[DeliveryOptions, Dispatcher] = {}
        self.own = self.of(AS_CONFIGURED)
        self.own_slot = self._slots[0]

    def of(self, options: DeliveryOptions) -> Dispatcher:
        """The dispatcher for `options`."""
        dispatcher = self._dispatchers.get(options)
        if dispatcher is None:
            dispatcher = self._dispatchers[options] = self._build(options)
        return dispatcher

    def _build(self, options: DeliveryOptions) -> Dispatcher:
        client_options = ClientOptions(acks=options.acks, compression=options.compression)
        slot = ClientSlot(self._open_client, self._monitor, self._producer_id, client_options)
        self._slots.append(slot)
        return Dispatcher(
            slot,
            self._cluster,
            self._monitor,
            PARTITIONERS[self._settings.producer_partitioner],
            self._settings.producer_linger_ms / 1000,
            options.delivery_timeout_s or self._settings.producer_delivery_timeout_s,
        )

    @property
    def in_flight(self) -> int:
        """Accepted messages without a verdict."""
        return sum(len(dispatcher.pending) for dispatcher in self._dispatchers.values())

    @property
    def pending(self) -> list[DeliveryHandle]:
        """The messages without a verdict."""
        return [handle for dispatcher in self._dispatchers.values() for handle in dispatcher.pending]

    @property
    def rebuilds(self) -> int:
        """How often a client was replaced."""
        return sum(slot.rebuilds for slot in self._slots)

    async def close(self, flush_s: float, grace_s: float) -> None:
        """Flushes for at most `flush_s`, gives up on the rest, stops every client within `grace_s` + 4 s."""
        deadline = time.monotonic() + flush_s
        for dispatcher in self._dispatchers.values():
            await dispatcher.flush(max(0.0, deadline - time.monotonic()))
        for dispatcher in self._dispatchers.values():
            dispatcher.withdraw_all()
        await asyncio.gather(*(slot.close(grace_s) for slot in self._slots))
        await asyncio.gather(*(dispatcher.close() for dispatcher in self._dispatchers.values()))
