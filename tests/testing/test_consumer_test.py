"""The test kit: whatever a consumer may do, on the engine's real pieces."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from app.consumer import Consumer, Message, MessageFailed, UndecodablePayload
from app.errors import AbortTransaction, BrokerUnavailable, RoutesInvalid, UnknownTopic
from app.routes import Backoff, DeadLetter, Dispatch, Keyed, Retry, Routes, Skip, Stop
from app.testing import ConsumerTest, HookFailed, JobCut, NotSettled, ServiceStopped, StillFailing
from app.testing import record as a_record


class Payments(Consumer):
    """Sends a receipt for each payment, and refuses those without an amount."""

    async def consume(self) -> None:
        for message in self.messages:
            if "amount" not in message.payload:
                raise MessageFailed(message) from LookupError("no amount")
            await self.produce_sync(topic="receipts", payload={"for": message.payload["id"]}, key=message.key)
            self.mark_as_consumed(message)


class Blocking(Consumer):
    """The same as plain functions."""

    threads: ClassVar[set[int]] = set()

    def initialized(self) -> None:
        self.threads.add(threading.get_ident())

    def consume(self) -> None:
        self.threads.add(threading.get_ident())
        for message in self.messages:
            self.wait(self.produce_sync(topic="receipts", payload=message.payload))

    def shutdown(self) -> None:
        self.threads.add(threading.get_ident())


async def test_records_go_in_and_marks_and_produced_messages_come_out() -> None:
    async with ConsumerTest(Payments) as payments:
        result = await payments.consume({"id": 1, "amount": 5}, {"id": 2, "amount": 7}, key="k")
        assert (result.batches, result.marked) == ([[0, 1]], 2)
        receipts = payments.produced("receipts")
        assert receipts.payloads == [{"for": 1}, {"for": 2}]
        assert {message.key for message in receipts} == {"k"}
        assert payments.committed() == 2
        assert (result.errors, result.retries, result.waited_ms) == ([], [], 0)
    assert payments.hooks == ["consume"]


def test_it_needs_no_test_framework() -> None:
    async def run() -> int | None:
        async with ConsumerTest(Payments) as payments:
            return (await payments.consume({"id": 1, "amount": 5})).marked

    assert asyncio.run(run()) == 1


async def test_plain_hooks_run_in_threads() -> None:
    async with ConsumerTest(Blocking) as blocking:
        await blocking.consume(1, 2)
        assert blocking.produced("receipts").payloads == [1, 2]
    assert blocking.hooks == ["initialized", "consume", "shutdown"]
    assert threading.get_ident() not in Blocking.threads


async def test_a_result_tells_of_its_own_call_only_and_the_test_of_all() -> None:
    async with ConsumerTest(Payments, dead_letter=DeadLetter("dlq", max_retries=0)) as payments:
        first = await payments.consume({"id": 1})
        second = await payments.consume({"id": 2, "amount": 1})
    assert (len(first.dead_letters), len(second.dead_letters), len(payments.dead_letters)) == (1, 0, 1)
    assert (first.batches, second.batches, payments.batches) == ([[0]], [[1]], [[0], [1]])
    assert second.attempts == [1]


async def test_the_named_message_is_dead_lettered_after_its_retries_without_any_waiting() -> None:
    async with ConsumerTest(Payments, "payments", dead_letter=DeadLetter("payments.dlq", max_retries=2)) as payments:
        result = await payments.consume({"id": 1, "amount": 5}, {"id": 2}, {"id": 3, "amount": 7}, key="k")
        dead = result.dead_letters
        assert dead.payloads == [{"id": 2}]
        assert (dead[0].topic, dead[0].key, dead[0].headers["source_offset"]) == ("payments.dlq", "k", "1")
        assert dead[0].headers["error_class"] == "builtins.LookupError"
        assert result.retries == [2000, 4000]
        assert result.waited_ms == 7000
        assert payments.produced("receipts").payloads == [{"for": 1}, {"for": 3}]
        assert result.marked == 3


async def test_pauses_are_those_of_the_line() -> None:
    backoff = Backoff(10, 10, exponential=False)
    async with ConsumerTest(Payments, dead_letter=DeadLetter("dlq", max_retries=3), backoff=backoff) as payments:
        result = await payments.consume({"id": 1})
    assert (result.retries, result.waited_ms) == ([10, 10, 10], 40)


class User(BaseModel):
    name: str
    age: int


class Users(Consumer):
    """Keeps the ages."""

    ages: ClassVar[list[int]] = []

    async def consume(self) -> None:
        for message in self.messages:
            self.ages.append(message.payload.age)


async def test_typed_payloads_are_read_as_the_table_says_and_others_are_undecodable() -> None:
    async with ConsumerTest(Users, payload=User, dead_letter=DeadLetter("dlq")) as users:
        result = await users.consume(User(name="Ada", age=36), {"name": "Bob"}, {"name": "Eve", "age": 7}, b"\xff")
        assert sorted(set(Users.ages)) == [7, 36]
        assert [type(error) for error in result.errors] == [UndecodablePayload, UndecodablePayload]
        assert [message.raw_payload for message in result.dead_letters] == [b'{"name":"Bob"}', b"\xff"]
        assert (result.retries, result.waited_ms, result.marked) == ([], 0, 4)


class Seen(Consumer):
    """Remembers messages, and does what the test says."""

    messages_seen: ClassVar[list[Message]]
    says: ClassVar[Any]

    async def consume(self) -> None:
        self.messages_seen.extend(self.messages)
        answer = type(self).says(self)
        if asyncio.iscoroutine(answer):
            await answer


def seen(says: Any = lambda _: None) -> type[Seen]:
    return type("Made", (Seen,), {"messages_seen": [], "says": staticmethod(says)})


async def test_records_may_have_fields_of_their_own() -> None:
    made = seen()
    async with ConsumerTest(made, partitions=2) as test:
        other = a_record(b"raw", key=b"\xff", headers={"h": "1"}, timestamp=1234, partition=1, offset=40)
        await test.consume("text", None, other, key="shared")
        assert (test.committed(0), test.committed(1)) == (2, 41)
    by_partition = sorted(made.messages_seen, key=lambda message: (message.partition, message.offset))
    assert [message.raw_payload for message in by_partition] == [b"text", None, b"raw"]
    assert [message.key for message in by_partition] == ["shared", "shared", b"\xff"]
    assert by_partition[1].tombstone
    assert (by_partition[2].headers, by_partition[2].timestamp_ms, by_partition[2].offset) == ({"h": "1"}, 1234, 40)


@pytest.mark.parametrize("given", [a_record(1, partition=5), a_record(1, offset=0)])
async def test_a_record_that_cannot_be_stored_is_refused(given: Any) -> None:
    async with ConsumerTest(seen()) as test:
        await test.consume(1)
        with pytest.raises(ValueError, match=r"partition 5|offset 1"):
            await test.consume(given)


async def test_with_manual_offsets_only_marks_count_and_the_rest_comes_again() -> None:
    made = seen(lambda consumer: consumer.mark_as_consumed(consumer.messages.first))
    async with ConsumerTest(made, manual_offsets=True) as test:
        result = await test.consume(1, 2, 3)
        assert result.marked == 1
        await test.revoke()
        again = await test.assign()
        assert again.batches == [[1, 2]]
        assert again.marked == 2


async def test_batches_are_as_large_as_the_line_says_and_fuller_ones_wait_for_nothing() -> None:
    async with ConsumerTest(seen(), max_messages=2, min_messages=2, max_wait_ms=700) as test:
        result = await test.consume(1, 2, 3)
        assert (result.batches, result.waited_ms) == ([[0, 1], [2]], 700)


async def test_a_pause_passes_at_once_and_is_told() -> None:
    def pause_once(consumer: Consumer) -> None:
        if consumer.messages.first.offset == 0:
            consumer.pause(1, ms=5000)

    async with ConsumerTest(seen(pause_once), max_messages=1) as test:
        result = await test.consume(1, 2)
        assert (result.pauses, result.waited_ms, result.batches, result.marked) == ([5000], 5000, [[0], [1]], 2)


async def test_a_pause_without_an_end_lasts_until_resume() -> None:
    async with ConsumerTest(seen(lambda consumer: consumer.pause()), max_messages=1) as test:
        result = await test.consume(1, 2)
        assert (result.batches, result.pauses, test.paused) == ([[0]], [None], True)
        test.consumer.resume()
        assert (await test.settle()).batches == [[1]]


async def test_a_seek_goes_back_and_what_is_committed_follows() -> None:
    async def back_once(consumer: Consumer) -> None:
        if consumer.messages.last.offset == 2 and len(type(consumer).messages_seen) < 4:  # type: ignore[attr-defined]  # of Seen
            await consumer.seek(1)

    async with ConsumerTest(seen(back_once)) as test:
        result = await test.consume(1, 2, 3)
        assert (result.seeks, result.batches, result.marked) == ([1], [[0, 1, 2], [1, 2]], 3)


class Hooked(Consumer):
    """Has every hook."""

    async def initialized(self) -> None: ...
    async def consume(self) -> None: ...
    async def eofed(self) -> None: ...
    async def revoked(self) -> None: ...
    async def shutdown(self) -> None: ...


async def test_hooks_are_called_as_in_the_service() -> None:
    async with ConsumerTest(Hooked) as test:
        await test.consume(1)
        await test.consume(2)
        await test.revoke()
        await test.assign()
        await test.consume(3)
    life = ["initialized", "consume", "eofed", "consume", "eofed", "revoked"]
    assert test.hooks == [*life, "initialized", "consume", "eofed", "shutdown"]
    assert len(test.consumers) == 2


async def test_a_running_job_sees_that_its_partition_is_taken_away() -> None:
    entered, found = asyncio.Event(), []

    async def until_revoked(consumer: Consumer) -> None:
        entered.set()
        while not consumer.is_revoked:
            await asyncio.sleep(0)
        found.append(consumer.mark_as_consumed(consumer.messages.first))

    async with ConsumerTest(seen(until_revoked)) as test:
        consuming = asyncio.create_task(test.consume(1))
        await entered.wait()
        await test.revoke()
        await consuming
        assert (found, test.committed()) == ([True], 1)


async def test_a_job_that_outlives_the_drain_counts_for_nothing() -> None:
    entered, gate = asyncio.Event(), asyncio.Event()
    found: list[bool] = []

    async def long(consumer: Consumer) -> None:
        entered.set()
        await gate.wait()
        found.append(consumer.mark_as_consumed(consumer.messages.first))

    async with ConsumerTest(seen(long), settings={"consumer_drain_ms": 20}) as test:
        consuming = asyncio.create_task(test.consume(1))
        await entered.wait()
        await test.revoke()
        await consuming
        assigning = asyncio.create_task(test.assign())
        gate.set()
        result = await assigning
        assert found == [False, True]
        assert result.marked == 1


def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> Any:
    wanted = message.payload
    return {"skip": Skip, "stop": Stop, "later": Dispatch("later")}.get(wanted, Retry(250)) if attempt > 1 else Retry(9)


async def test_strategies_decide_and_are_told() -> None:
    def fail(consumer: Consumer) -> None:
        if consumer.messages.first.payload != "fine" and consumer.attempt < 4:
            raise RuntimeError

    async with ConsumerTest(seen(fail), max_messages=1, dead_letter=DeadLetter("dlq", strategy=strategy)) as test:
        result = await test.consume(*[f'"{word}"' for word in ("fine", "skip", "later", "again")])
        assert (result.skipped, result.dead_letters.payloads, result.marked) == ([1], ["later"], 4)
        assert result.dead_letters[0].topic == "later"
        assert result.retries == [9, 9, 9, 250, 250]
        with pytest.raises(ServiceStopped) as stopped:
            await test.consume('"stop"')
        assert isinstance(stopped.value.__cause__, RuntimeError)
        assert test.committed() == 4


async def test_lanes_keep_the_order_of_each_key_and_have_objects_of_their_own() -> None:
    made = seen()
    async with ConsumerTest(made, keyed=Keyed(workers=2)) as test:
        await test.consume(*[a_record(n, key="ab"[n % 2]) for n in range(6)])
        assert (sorted(test.batches), test.committed()) == ([[0, 2, 4], [1, 3, 5]], 6)
        assert len(test.consumers) == 2


async def test_lanes_collapse_into_one_line_after_a_failure() -> None:
    def fail(consumer: Consumer) -> None:
        if any(message.payload == 1 for message in consumer.messages):
            raise RuntimeError

    async with ConsumerTest(seen(fail), keyed=Keyed(workers=3), dead_letter=DeadLetter("dlq", max_retries=1)) as test:
        result = await test.consume(*[a_record(n, key=str(n)) for n in range(3)])
        assert result.dead_letters.payloads == [1]
        assert result.marked == 3
        assert result.attempts == [1, 1, 1, 2]


async def test_what_a_transaction_aborts_is_nowhere() -> None:
    async def both(consumer: Consumer) -> None:
        for message in consumer.messages:
            async with consumer.producer.transaction():
                await consumer.produce_async(topic="out", payload=message.payload)
                if message.payload == 2:
                    raise AbortTransaction

    async with ConsumerTest(seen(both), settings={"producer_transactional_id_prefix": "tx"}) as test:
        await test.consume(1, 2, 3)
        assert test.produced("out").payloads == [1, 3]


# --- what nobody should pass over in silence ----------------------------------------------------------------


def broken(_: Consumer) -> None:
    raise ValueError("broken")


async def test_a_consumer_that_always_fails_is_told_with_its_error() -> None:
    async with ConsumerTest(seen(broken), "t") as test:
        with pytest.raises(StillFailing, match=r"Made failed 21 times on t-0 from offset 0.*broken") as failing:
            await test.consume(1)
        assert isinstance(failing.value.__cause__, ValueError)
        assert test.committed() is None


async def test_only_some_time_passes_where_that_is_asked() -> None:
    down = [True]

    def fail_while_down(_: Consumer) -> None:
        if down[0]:
            raise ConnectionError

    async with ConsumerTest(seen(fail_while_down)) as test:
        result = await test.consume(1, for_ms=10_000)
        assert (result.attempts, result.marked, result.waited_ms) == ([1, 2, 3], None, 10_000)
        down[0] = False
        result = await test.settle()
        assert (result.attempts, result.marked, result.waited_ms) == ([4], 1, 4000)


@pytest.mark.parametrize("hook", ["initialized", "eofed", "revoked", "shutdown"])
async def test_an_error_that_the_service_would_only_log_is_raised(hook: str) -> None:
    made = seen()

    async def fails(_: Consumer) -> None:
        raise ValueError(hook)

    setattr(made, hook, fails)

    async def run() -> None:
        async with ConsumerTest(made) as test:
            await test.consume(1)
            if hook == "revoked":
                await test.revoke()

    with pytest.raises(HookFailed, match=rf"consumer\.{hook} of Made failed") as failed:
        await run()
    assert isinstance(failed.value.__cause__, ValueError)


async def test_a_strategy_that_breaks_is_raised() -> None:
    def breaks(errors: object, attempt: int, message: Message) -> Any:
        raise KeyError("no such")

    async with ConsumerTest(seen(broken), dead_letter=DeadLetter("dlq", strategy=breaks)) as test:
        with pytest.raises(HookFailed, match=r"consumer\.strategy of Made failed: KeyError"):
            await test.consume(1)


async def test_a_critical_error_is_raised_and_marks_nothing() -> None:
    def ends(_: Consumer) -> None:
        raise SystemExit(7)

    async with ConsumerTest(seen(ends), dead_letter=DeadLetter("dlq", max_retries=0)) as test:
        with pytest.raises(ServiceStopped, match="SystemExit") as stopped:
            await test.consume(1)
        assert isinstance(stopped.value.__cause__, SystemExit)
        assert (test.committed(), len(test.dead_letters)) == (None, 0)


async def a_place_to_hang() -> None:
    await asyncio.Event().wait()


async def test_a_consumer_that_hangs_is_told_with_the_line_at_which_it_does() -> None:
    async def hang(_: Consumer) -> None:
        await a_place_to_hang()

    with pytest.raises(NotSettled, match=r"consume of partition 0 with .*\[0\], attempt 1, .* in ") as hanging:
        async with ConsumerTest(seen(hang), timeout_s=0.1) as test:
            await test.consume(1)
    assert "test_consumer_test.py" in str(hanging.value)


async def test_a_thread_that_hangs_is_told_with_the_line_at_which_it_does() -> None:
    gate = threading.Event()

    class Hangs(Consumer):
        def consume(self) -> None:
            gate.wait()

    with pytest.raises(NotSettled, match=r"consume of .* still runs at .*test_consumer_test.py:\d+ in consume"):
        async with ConsumerTest(Hangs, timeout_s=0.1) as test:
            await test.consume(1)
    gate.set()


async def test_a_consumer_that_never_comes_to_rest_is_told() -> None:
    async with ConsumerTest(seen(lambda consumer: consumer.pause(0, ms=1000)), timeout_s=0.2) as test:
        with pytest.raises(NotSettled, match="clock's time have passed"):
            await test.consume(1)


async def test_a_job_that_does_not_end_is_cut_at_the_end() -> None:
    async def stubborn(_: Consumer) -> None:
        await asyncio.Event().wait()

    test = ConsumerTest(seen(stubborn), timeout_s=0.1)
    await test.__aenter__()
    with pytest.raises(NotSettled):
        await test.consume(1)
    with pytest.raises(JobCut, match="Made on messages-0"):
        await test.__aexit__(None, None, None)


async def test_an_error_of_the_test_itself_is_not_hidden() -> None:
    async def run() -> None:
        async with ConsumerTest(seen(broken)) as test:
            await test.consume(1, for_ms=0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()


async def test_a_missing_topic_makes_produced_messages_and_dead_letters_fail() -> None:
    async with ConsumerTest(Payments, dead_letter=DeadLetter("dlq", max_retries=0)) as payments:
        payments.broker.missing.update({"receipts", "dlq"})
        result = await payments.consume({"id": 1, "amount": 1}, for_ms=5000)
        assert {type(error) for error in result.errors} == {UnknownTopic}
        assert result.marked is None
        payments.broker.missing.clear()
        assert (await payments.settle()).marked == 1
        assert payments.dead_letters.payloads == [{"id": 1, "amount": 1}]


async def test_a_kafka_that_is_away_makes_produced_messages_fail() -> None:
    async with ConsumerTest(Payments) as payments:
        payments.broker.reachable_now = False
        result = await payments.consume({"id": 1, "amount": 1}, for_ms=0)
        assert [type(error) for error in result.errors] == [BrokerUnavailable]
        payments.broker.reachable_now = True
        assert (await payments.settle()).marked == 1


# --- from the table -----------------------------------------------------------------------------------------


def draw(routes: Routes) -> None:
    routes.topic("users", Users, payload=User)
    routes.pattern(r"pay.*", Payments, name="pay", dead_letter=DeadLetter("payments.dlq", max_retries=1))
    with routes.group("reports") as group:
        group.topic("users", seen(), initial_offset="latest")


async def test_a_line_of_the_real_table_is_tested_as_it_is() -> None:
    async with ConsumerTest.from_table("payments", draw) as payments:
        result = await payments.consume({"id": 1})
        assert (result.retries, result.dead_letters[0].topic) == ([2000], "payments.dlq")
    async with ConsumerTest.from_table("example") as example:
        assert (await example.consume({"hello": "world"})).marked == 1


async def test_where_groups_share_a_topic_the_group_says_which() -> None:
    async with ConsumerTest.from_table("users", draw, group="reports") as users:
        assert (await users.consume(1)).marked == 1
    with pytest.raises(LookupError, match="demijohn, reports take users"):
        ConsumerTest.from_table("users", draw)
    with pytest.raises(LookupError, match="no line of the table takes nothing"):
        ConsumerTest.from_table("nothing", draw)


def test_a_line_that_is_wrong_is_refused_as_at_boot() -> None:
    with pytest.raises(RoutesInvalid, match="max_message"):
        ConsumerTest(Payments, max_message=3)


async def test_a_dead_letter_and_its_source_offset_may_be_one_transaction() -> None:
    line: dict[str, Any] = {"dead_letter": DeadLetter("dlq", max_retries=1, transactional=True)}
    settings = {"producer_transactional_id_prefix": "tx"}
    async with ConsumerTest(Payments, settings=settings, **line) as payments:
        result = await payments.consume({"id": 1, "amount": 5}, {"id": 2}, {"id": 3, "amount": 7})
        assert (result.dead_letters.payloads, result.marked) == ([{"id": 2}], 3)
        assert payments.produced("receipts").payloads == [{"for": 1}, {"for": 3}]


async def test_it_is_used_between_its_beginning_and_its_end_only() -> None:
    test = ConsumerTest(seen())
    with pytest.raises(RuntimeError, match="async with"):
        await test.consume(1)
    async with test:
        await test.consume(1)
    with pytest.raises(RuntimeError, match="has ended"):
        await test.settle()


async def test_what_a_consumer_gives_up_itself_and_commits_itself_is_told() -> None:
    committed: list[int | None] = []

    async def give_up(consumer: Consumer) -> None:
        assert await consumer.dispatch_to_dlq(consumer.messages.first)
        assert await consumer.mark_as_consumed_now(consumer.messages.first)
        committed.append(test.committed())

    async with ConsumerTest(seen(give_up), manual_offsets=True, dead_letter=DeadLetter("dlq")) as test:
        result = await test.consume(1, 2)
        assert (result.dead_letters.payloads, result.marked, committed) == ([1], 1, [1])


async def test_a_key_that_cannot_be_had_is_raised() -> None:
    def key(message: Message) -> str:
        raise LookupError("no account")

    async with ConsumerTest(seen(), keyed=Keyed(by=key)) as test:
        with pytest.raises(HookFailed, match=r"consumer\.keyed of Made failed"):
            await test.consume(1, 2)
        assert test.batches == [[0, 1]]


async def test_many_records_are_no_trouble() -> None:
    async with ConsumerTest(seen(), max_messages=500) as test:
        result = await test.consume(*range(5000))
        assert (result.marked, len(result.batches)) == (5000, 10)


async def test_settings_are_the_defaults_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUMER_MAX_MESSAGES", "1")
    async with ConsumerTest(seen()) as test:
        assert (await test.consume(1, 2)).batches == [[0, 1]]
    async with ConsumerTest(seen(), settings={"consumer_max_messages": 1}) as test:
        assert (await test.consume(1, 2)).batches == [[0], [1]]


def test_settings_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="no settings consumer_max_message"):
        ConsumerTest(seen(), settings={"consumer_max_message": 1})
