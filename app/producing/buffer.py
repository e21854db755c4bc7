"""Messages that wait in this process until somebody flushes them, or their age or number does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from app.errors import Fault, MessageInvalid, PayloadTooLarge
from app.messages import OutgoingMessage
from app.producing.preparation import Preparation, Prepared, faults_at


class MessageBuffer:
    """Keeps messages in order. `on_due` is called when the oldest has been kept for `max_age_s`, and whenever there
    are `max_messages` or more."""

    def __init__(
        self, preparation: Preparation, max_age_s: float | None, max_messages: int | None, on_due: Callable[[], None]
    ) -> None:
        self._preparation = preparation
        self._max_age_s = max_age_s
        self._max_messages = max_messages
        self._on_due = on_due
        self._kept: list[OutgoingMessage | Prepared] = []
        self._timer: asyncio.TimerHandle | None = None
        self.flushing = asyncio.Lock()
        """Held by whoever flushes: two flushes at once would mix up the order of what one of them returns."""

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def full(self) -> bool:
        """Whether there are so many that they are to be flushed."""
        return self._max_messages is not None and len(self._kept) >= self._max_messages

    def add(self, messages: Iterable[OutgoingMessage]) -> None:
        """Keeps `messages` behind those that are there."""
        self._kept.extend(messages)
        self._arm()
        if self.full:
            self._on_due()

    def _arm(self) -> None:
        if self._timer is None and self._max_age_s is not None and self._kept:
            self._timer = asyncio.get_running_loop().call_later(self._max_age_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self._on_due()

    def take(self) -> list[Prepared]:
        """Everything that is kept, ready to be sent; the buffer is empty then.

        Raises MessageInvalid where a message is invalid, with its index: then the others are kept, in order, and
        the invalid ones are not, as they would make every later flush fail.
        """
        kept = self.drain()
        prepared: list[Prepared] = []
        faults: list[Fault] = []
        for index, message in enumerate(kept):
            try:
                prepared.append(message if isinstance(message, Prepared) else self._preparation.one(message))
            except (MessageInvalid, PayloadTooLarge) as error:
                faults += faults_at(index, error)
            except BaseException:  # of a middleware: nothing is lost
                self.put_back([*prepared, *kept[index:]])
                raise
        if faults:
            self.put_back(prepared)
            raise MessageInvalid(faults)
        return prepared

    def drain(self) -> list[OutgoingMessage | Prepared]:
        """Everything that is kept, as it is; the buffer is empty then."""
        kept, self._kept = self._kept, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return kept

    def put_back(self, messages: Sequence[OutgoingMessage | Prepared]) -> None:
        """Keeps `messages` before those that came meanwhile."""
        if messages:
            self._kept[:0] = messages
            self._arm()
