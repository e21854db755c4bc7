"""Static membership: two clients with one instance id."""

from __future__ import annotations

import pytest

from app.consuming.static_members import STEP_BACK_S, StaticMember

CLIENT, ANOTHER_CLIENT = object(), object()
RANDOM = ["d870326f-0421-46f2-9e09-c4038ef6c244", "91d80243-e53d-4f50-8ae5-dfe021e3bb60"]


@pytest.fixture
def member() -> StaticMember:
    return StaticMember("pod-1-g", heartbeat_s=3)


def joins(member: StaticMember, *times: float, client: object = CLIENT) -> list[bool]:
    """Joins at these times, each under a member id of its own."""
    return [member.joined(client, f"pod-1-g-{now}", now) for now in times]


def test_being_replaced_three_times_in_a_short_run_is_a_fight(member: StaticMember) -> None:
    assert joins(member, 0, 4, 9, 14) == [False, False, False, True]


def test_being_replaced_now_and_then_is_no_fight(member: StaticMember) -> None:
    assert not any(joins(member, 0, 100, 200, 300, 400))


def test_rebalances_under_the_same_member_id_are_no_fight(member: StaticMember) -> None:
    assert not any(member.joined(CLIENT, "pod-1-g-0", now) for now in range(10))


def test_new_clients_of_its_own_are_no_fight(member: StaticMember) -> None:
    assert not any(member.joined(object(), f"pod-1-g-{now}", now) for now in range(10))


def test_slow_heartbeats_make_a_longer_run() -> None:
    assert joins(StaticMember("pod-1-g", heartbeat_s=15), 0, 30, 60, 90)[-1]


def test_it_steps_back_for_longer_than_the_other_needs_to_notice_and_counts_anew(member: StaticMember) -> None:
    joins(member, 0, 1, 2, 3)
    assert 4 <= member.step_back_s() <= 3 + STEP_BACK_S
    assert joins(member, 10, 11) == [False, False]


def test_the_place_is_held_by_another_where_no_join_of_its_own_gave_the_member_id(member: StaticMember) -> None:
    mine, others = (f"pod-1-g-{one}" for one in RANDOM)
    member.joined(CLIENT, mine, 0)
    assert not member.held_by_another([])
    assert not member.held_by_another([mine])
    assert member.held_by_another([others])
    assert not member.held_by_another([f"pod-11-g-{RANDOM[1]}", f"pod-1-g-2-{RANDOM[1]}", "g-dynamic"])


def test_a_place_that_is_taken_is_looked_at_every_minute_with_the_default_session() -> None:
    assert StaticMember("pod-1-g", heartbeat_s=3, session_s=45).look_again_s == 60
    assert StaticMember("pod-1-g", heartbeat_s=0.5, session_s=6).look_again_s == 8
