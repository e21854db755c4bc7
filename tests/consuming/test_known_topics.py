"""Topics of one name, told apart."""

from __future__ import annotations

from app.consuming.known_topics import KnownTopics
from tests.fakes import FakeKafka


def test_a_topic_is_made_anew_when_its_id_has_changed_and_only_then() -> None:
    kafka, known = FakeKafka({"t": 1}), KnownTopics()
    assert known.made_anew(kafka, ["t"]) == set()
    kafka.topic_ids["t"] = b"1"
    assert known.made_anew(kafka, ["t"]) == set()
    kafka.topic_ids.clear()
    assert known.made_anew(kafka, ["t"]) == set()
    kafka.topic_ids["t"] = b"2"
    assert known.made_anew(kafka, ["t"]) == {"t"}
    assert known.made_anew(kafka, ["t"]) == {"t"}, "until it has been met"
    known.met(kafka, ["t"])
    assert known.made_anew(kafka, ["t"]) == set()


def test_what_nobody_asks_about_is_forgotten() -> None:
    kafka, known = FakeKafka({"t": 1}), KnownTopics()
    kafka.topic_ids["t"] = b"1"
    known.made_anew(kafka, ["t"])
    known.made_anew(kafka, [])
    kafka.topic_ids["t"] = b"2"
    assert known.made_anew(kafka, ["t"]) == set()
