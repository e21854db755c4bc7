"""The consumer of the quick start: prints what it gets."""

from app.consumer import Consumer


class ExampleConsumer(Consumer):
    """Prints each payload."""

    async def consume(self) -> None:
        for message in self.messages:
            print(f"{message.topic}-{message.partition} offset {message.offset}: {message.payload}", flush=True)
