"""Writes docs/scenarios.md: what each file of tests/scenarios claims, and where it is shown. `make docs` runs it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scenarios.md"
SCENARIOS = ROOT / "tests" / "scenarios"
HEAD = """# Scenarios

What the service promises, one claim for each file of `tests/scenarios`. All of them run on a real Kafka with
`make test`; those that hurt brokers start brokers of their own. [Reliability](reliability.md) says how the claims about
consuming are checked.

This page is made by `make docs` from the first words of each file.
"""
GROUPS = {
    "Producing": (
        "twenty_thousand_concurrent_calls",
        "what_cannot_be_sent_is_told_at_once",
        "calls_that_wait_are_told_when_kafka_goes",
        "the_canary_tells_the_truth",
        "a_batch_that_kafka_refuses",
        "a_transaction_is_all_or_nothing",
        "variants_and_the_buffer_on_kafka",
        "produced_is_read_by_kafkas_console_consumer",
    ),
    "Over HTTP": (
        "the_examples_of_the_http_page_run",
        "lines_stream_through_the_service",
        "sigterm_in_the_middle_of_lines",
        "five_hundred_connections_leak_nothing",
        "failed_async_messages_become_dead_letters",
        "confluent_clients_move_over",
        "https_can_be_verified",
    ),
    "Consuming": (
        "a_console_producer_reaches_a_consumer",
        "a_trace_runs_from_the_call_to_the_consumer",
        "tables_through_http_are_counted",
        "lanes_keep_the_order_of_each_key",
        "a_new_topic_under_a_pattern",
        "a_topic_is_made_anew",
        "an_edited_consumer_gets_the_next_batch",
        "the_kit_tells_what_kafka_would",
        "a_blocked_loop_names_its_consumer",
        "a_backlog_costs_no_memory",
        "odd_records_come_as_they_were_sent",
    ),
    "Offsets": (
        "a_restart_resumes",
        "a_commit_at_once_is_seen_by_kafka",
        "kafka_consumer_groups_sees_our_offsets",
        "a_seek_moves_the_group",
        "what_was_trimmed_away_is_counted",
        "transaction_markers_leave_no_lag",
    ),
    "Failing consumers": (
        "a_failing_partition_holds_up_no_other",
        "a_retry_comes_on_schedule",
        "a_paused_partition_waits_alone",
        "a_bad_record_reaches_the_dlq_alone",
        "transactional_dead_letters",
    ),
    "Groups and rebalances": (
        "groups_read_one_topic_each_for_itself",
        "instances_share_and_take_over",
        "members_come_and_go",
        "a_slow_job_over_a_rebalance",
        "a_long_drain_costs_no_member_its_place",
        "a_static_member_restarts_unnoticed",
        "two_processes_share_one_instance_id",
        "a_thousand_partitions",
    ),
    "Instances in trouble": (
        "kill_9_loses_nothing",
        "a_hung_member_moves_no_offset",
        "any_instance_shows_all_of_them",
        "a_soak_in_short",
    ),
    "Brokers in trouble": (
        "the_cluster_page_names_the_broker_that_is_down",
        "messages_are_shown_while_a_broker_hangs",
        "kafka_away_at_start",
        "a_right_that_is_missing_is_named_and_missed_no_longer",
        "kafka_asks_who_the_service_is",
        "broker_trouble_under_the_producer",
        "broker_trouble_under_consumers",
        "a_leader_moves",
        "one_of_three_brokers_is_killed",
        "brokers_restart_one_by_one",
    ),
    "Start and stop": (
        "the_process_refuses_to_start",
        "sigterm_under_load",
        "a_rolling_restart_loses_nothing",
        "what_a_stop_cuts",
    ),
    "From the dashboard": (
        "an_operators_pause_outlives_a_kill",
        "an_operators_seek_moves_a_running_group",
        "an_operator_quiets_and_stops_an_instance",
        "dead_letters_go_back_exactly_once",
        "two_redrives_of_one_dlq",
        "the_dashboard_streams_and_holds_up_no_stop",
    ),
}
REST = "Others"
"""Where a file stands that no group names."""


def claim(path: Path) -> str:
    """The first paragraph of the file's docstring, on one line; empty where there is none."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.partition("\n\n")[0].split())


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    files = {path.stem.removeprefix("test_"): path for path in sorted(SCENARIOS.glob("test_*.py"))}
    grouped = {name for names in GROUPS.values() for name in names}
    for title, names in {**GROUPS, REST: tuple(name for name in files if name not in grouped)}.items():
        found = [files[name] for name in names if name in files]
        if found:
            yield f"## {title}\n"
            yield from (f"- {claim(path)} ([{path.stem}](../tests/scenarios/{path.name}))" for path in found)
            yield ""


if __name__ == "__main__":
    PAGE.write_text(page())
