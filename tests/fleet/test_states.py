"""What instances remember together: read at the start, followed, kept where it can be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from app.errors import KafkaUnavailable
from app.events import ErrorOccurred, Event, Monitor, TopicCreated, WarningRaised
from app.fleet import states as states_module
from app.fleet.states import States
from app.fleet.topics import CONFIGS
from tests.fakes import FakeKafka
from tests.fleet.states_double import StatesTopic
from tests.waiting import until

MakeStates = Callable[..., States]
TOPIC = "demijohn_states"
NOT_THERE = "the topic demijohn_states does not exist, and KAFKA_CREATE_TOPICS is false"


class Brokers(FakeKafka):
    """Makes topics."""

    def __init__(self, *topics: str) -> None:
        super().__init__(dict.fromkeys(topics, 1))
        self.created: list[tuple[str, object]] = []

    async def create_topic(self, topic: str, partitions: int, config: object = None, *, timeout_s: float) -> bool:
        self.created.append((topic, config))
        self.topic_partitions[topic] = partitions
        return True


@pytest.fixture
def topic() -> StatesTopic:
    return StatesTopic(TOPIC)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def make_states(topic: StatesTopic, events: list[Event]) -> AsyncIterator[MakeStates]:
    """Starts states over `topic`; they stop at the end."""
    made: list[States] = []
    monitor = Monitor()
    for kind in (ErrorOccurred, TopicCreated, WarningRaised):
        monitor.subscribe(kind, events.append)

    def make(brokers: FakeKafka | None = None, *, create: bool = False) -> States:
        states = States(TOPIC, brokers or Brokers(TOPIC), topic, topic.open, monitor, create=create)
        made.append(states)
        states.start()
        return states

    yield make
    await asyncio.gather(*(states.stop() for states in made))
    assert topic.stopped >= 0


async def test_everything_is_known_once_it_is_settled_and_the_last_value_counts(
    make_states: MakeStates, topic: StatesTopic
) -> None:
    topic.write("pause/g/t/0", b'{"by":"ann"}')
    topic.write("pause/g/t/1", b'{"by":"bob"}')
    topic.write("pause/g/t/0", None)
    topic.write("other", b"{}")
    topic.write("pause/g/t/2", b"no JSON")
    topic.write("pause/g/t/3", b"[]")
    states = make_states()
    assert not states.settled.is_set()
    await asyncio.wait_for(states.settled.wait(), 5)
    assert states.remembered("pause/") == {"pause/g/t/1": {"by": "bob"}}
    assert states.why_local is None


async def test_what_is_remembered_is_stored_and_reaches_other_instances(make_states: MakeStates) -> None:
    one, other = make_states(), make_states()
    heard: list[tuple[str, object]] = []
    other.watch("pause/", lambda key, value: heard.append((key, value)))
    await asyncio.gather(one.settled.wait(), other.settled.wait())
    await one.remember("pause/g/t/0", {"by": "ann"})
    assert one.remembered("pause/") == {"pause/g/t/0": {"by": "ann"}}
    await until(lambda: heard, "the other instance heard")
    await one.remember("pause/g/t/0", None)
    await until(lambda: len(heard) == 2, "the other instance heard again")
    assert heard == [("pause/g/t/0", {"by": "ann"}), ("pause/g/t/0", None)]


async def test_what_it_reads_of_its_own_older_writes_changes_nothing(
    make_states: MakeStates, topic: StatesTopic
) -> None:
    topic.held_back = 0
    states = make_states()
    await asyncio.wait_for(states.settled.wait(), 5)
    heard: list[object] = []
    await states.remember("k", {"n": 1})
    await states.remember("k", {"n": 2})
    states.watch("k", lambda _, value: heard.append(value))
    topic.held_back = None
    await states.remember("k", {"n": 3})
    topic.write("k", b'{"n":4}')
    await until(lambda: {"n": 4} in heard, "what another has written")
    assert heard == [{"n": 2}, {"n": 3}, {"n": 4}]


async def test_where_it_cannot_be_stored_nothing_changes(make_states: MakeStates, topic: StatesTopic) -> None:
    states = make_states()
    await asyncio.wait_for(states.settled.wait(), 5)
    topic.away = True
    with pytest.raises(KafkaUnavailable, match=r"k could not be stored in demijohn_states"):
        await states.remember("k", {})
    assert states.remembered("") == {}


async def test_the_topic_is_made_where_that_is_allowed(make_states: MakeStates, events: list[Event]) -> None:
    brokers = Brokers()
    states = make_states(brokers, create=True)
    await until(lambda: states.why_local is None, "what is remembered is kept")
    assert states.settled.is_set()
    assert brokers.created == [(TOPIC, CONFIGS["states"])]
    assert CONFIGS["states"]["cleanup.policy"] == "compact"
    assert events == [TopicCreated(TOPIC, 1)]
    assert states.why_local is None


async def test_a_topic_that_may_not_be_made_is_waited_for_by_nobody(
    make_states: MakeStates, events: list[Event]
) -> None:
    class Refusing(Brokers):
        async def create_topic(self, topic: str, partitions: int, config: object = None, *, timeout_s: float) -> bool:
            raise KafkaUnavailable("TopicAuthorizationFailed")

    states = make_states(Refusing(), create=True)
    await asyncio.wait_for(states.settled.wait(), 5)
    await until(lambda: events, "it is told")
    await asyncio.sleep(0.6)
    assert [type(event) for event in events] == [ErrorOccurred]
    await states.remember("k", {"n": 1})
    assert states.why_local is not None


async def test_without_the_topic_it_remembers_for_this_process_and_says_why(
    make_states: MakeStates, topic: StatesTopic, events: list[Event]
) -> None:
    brokers = Brokers()
    states = make_states(brokers)
    await asyncio.wait_for(states.settled.wait(), 5)
    assert states.why_local == NOT_THERE
    await states.remember("k", {"n": 1})
    assert states.remembered("k") == {"k": {"n": 1}}
    assert topic.records == []
    assert events == []
    brokers.topic_partitions[TOPIC] = 1
    await until(lambda: states.why_local is None, "it is kept, as the topic is there now")


async def test_nothing_is_settled_while_kafka_is_away_but_soon_after_it_answers(
    make_states: MakeStates, topic: StatesTopic, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states_module, "SETTLE_WITHIN_S", 0.2)
    brokers = Brokers(TOPIC)
    brokers.reachable = None
    topic.away = True
    states = make_states(brokers)
    await asyncio.sleep(0.6)
    assert not states.settled.is_set()
    brokers.reachable = True
    await asyncio.wait_for(states.settled.wait(), 5)
    assert [event.code for event in events if isinstance(event, WarningRaised)] == ["states_unknown"]
    assert len([event for event in events if isinstance(event, ErrorOccurred)]) == 1, "told once"
    topic.away = False
    await until(lambda: states.why_local is None, "it is read after all")


async def test_a_topic_that_is_made_anew_is_read_from_its_beginning(
    make_states: MakeStates, topic: StatesTopic
) -> None:
    brokers = Brokers(TOPIC)
    brokers.topic_ids[TOPIC] = b"1"
    states = make_states(brokers)
    await asyncio.wait_for(states.settled.wait(), 5)
    topic.records.clear()
    brokers.topic_ids[TOPIC] = b"2"
    topic.write("k", b'{"n":1}')
    await until(lambda: states.remembered("k"), "the new topic's first record")
    assert topic.stopped == 1
