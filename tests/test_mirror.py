"""Every module has its tests: a file of the same name in the same place, or another one that is named here."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
API = "api/test_routes.py"
CONFLUENT = "api/test_confluent.py"
TESTED_BY = {
    "__main__.py": "cli/test_commands.py",
    "routing.py": "routes/test_routes.py",
    "topics.py": "declaring/test_declarations.py",
    "importing.py": "declaring/test_declarations.py",
    "cli/connecting.py": "cli/test_topics.py",
    "declaring/applying.py": "cli/test_topics.py",
    "api/application.py": API,
    "api/atomic.py": "api/test_batch.py",
    "api/batch_items.py": "api/test_batch.py",
    "api/bodies.py": "api/test_produce.py",
    "api/calls.py": "api/test_produce.py",
    "api/confluent_documentation.py": API,
    "api/confluent_errors.py": CONFLUENT,
    "api/confluent_produce.py": CONFLUENT,
    "api/confluent_reads.py": CONFLUENT,
    "api/confluent_records.py": CONFLUENT,
    "api/documentation.py": API,
    "api/examples.py": API,
    "api/field_values.py": "api/test_message_reader.py",
    "api/health.py": API,
    "api/json_text.py": "api/test_message_reader.py",
    "api/line_messages.py": "api/test_ndjson.py",
    "api/ordinary_routes.py": "api/test_produce.py",
    "api/media_types.py": "api/test_produce.py",
    "api/problems.py": "api/test_produce.py",
    "api/produce_options.py": "api/test_produce.py",
    "api/receipt_route.py": "api/test_produce.py",
    "api/raw_query.py": "api/test_raw_route.py",
    "api/refusals.py": "api/test_produce.py",
    "api/replies.py": "api/test_produce.py",
    "api/single.py": "api/test_produce.py",
    "api/schemas.py": API,
    "api/services.py": API,
    "api/trace_context.py": "api/test_produce.py",
    "consuming/announcer.py": "consuming/test_partition.py",
    "consuming/context.py": "consuming/test_partition.py",
    "consuming/ending.py": "consuming/test_partition.py",
    "dashboard/action_bodies.py": "dashboard/test_actions.py",
    "dashboard/dated.py": "dashboard/test_routes.py",
    "consuming/memory.py": "consuming/test_membership.py",
    "consuming/surroundings.py": "consuming/test_group.py",
    "consuming/workers.py": "consuming/test_membership.py",
    "dashboard/dead_letter_topics.py": "dashboard/test_dead_letter_pages.py",
    "dashboard/docs_page.py": "dashboard/test_routes.py",
    "dashboard/documents.py": "dashboard/test_pages.py",
    "dashboard/error_pages.py": "dashboard/test_own_pages.py",
    "dashboard/html.py": "dashboard/test_shell.py",
    "dashboard/kafka_refusals.py": "dashboard/test_message_routes.py",
    "dashboard/message_documents.py": "dashboard/test_message_routes.py",
    "dashboard/message_query.py": "dashboard/test_message_routes.py",
    "dashboard/topic_access.py": "dashboard/test_message_routes.py",
    "dashboard/topic_rows.py": "dashboard/test_topic_pages.py",
    "dashboard/markup.py": "dashboard/test_routes.py",
    "dashboard/negotiation.py": "dashboard/test_routes.py",
    "dashboard/operating.py": "test_main.py",
    "dashboard/page.py": "dashboard/test_routes.py",
    "dashboard/page_headers.py": "dashboard/test_routes.py",
    "dashboard/permissions.py": "dashboard/test_pages.py",
    "dashboard/plain.py": "dashboard/test_shell.py",
    "dashboard/produce_page.py": "dashboard/test_own_pages.py",
    "dashboard/routing_page.py": "dashboard/test_own_pages.py",
    "events/consuming.py": "events/test_monitor.py",
    "events/producing.py": "events/test_monitor.py",
    "events/service.py": "events/test_monitor.py",
    "fleet/opening.py": "fleet/test_fleet.py",
    "fleet/reading.py": "fleet/test_fleet.py",
    "fleet/view.py": "fleet/test_alone.py",
    "producing/acceptance.py": "test_producer.py",
    "producing/closing.py": "test_producer.py",
    "producing/flushing.py": "producing/test_buffer.py",
    "producing/preparation.py": "test_producer.py",
    "producing/transaction.py": "producing/test_transactions.py",
    "producing/transaction_pool.py": "producing/test_transactions.py",
    "kafka/admin/answers.py": "kafka/admin/test_client.py",
    "kafka/admin/calls.py": "kafka/admin/test_client.py",
    "kafka/admin/protocol.py": "kafka/admin/test_client.py",
    "kafka/admin/requests.py": "kafka/admin/test_client.py",
    "kafka/log_reader.py": "exploring/test_explorer.py",
    "kafka/recording.py": "testing/test_producers.py",
    "kafka/topic_details.py": "scenarios/test_confluent_clients_move_over.py",
    "kafka/protocols.py": "kafka/test_consumer_client.py",
    "kafka/embedded/__main__.py": "kafka/embedded/test_apache.py",
    "kafka/embedded/node.py": "kafka/embedded/test_apache.py",
    "observing/audit.py": "dashboard/test_actions.py",
    "observing/consume_figures.py": "observing/test_snapshot.py",
    "observing/error_log.py": "observing/test_snapshot.py",
    "observing/figures.py": "observing/test_snapshot.py",
    "observing/group_figures.py": "observing/test_snapshot.py",
    "observing/lines.py": "observing/test_log.py",
    "observing/log_setup.py": "observing/test_log.py",
    "observing/metrics.py": "observing/test_snapshot.py",
    "observing/operator_log.py": "dashboard/test_redrive_actions.py",
    "observing/process.py": "observing/test_snapshot.py",
    "observing/produce_figures.py": "observing/test_snapshot.py",
    "observing/reasons.py": "observing/test_snapshot.py",
    "observing/request_id.py": "observing/test_log.py",
    "observing/sampling.py": "observing/test_log.py",
    "redriving/memory.py": "redriving/test_redrives.py",
    "redriving/plain.py": "redriving/test_redrives.py",
    "redriving/picking.py": "redriving/test_redrives.py",
    "redriving/redrive.py": "redriving/test_redrives.py",
    "redriving/sending.py": "redriving/test_redrives.py",
    "routes/loading.py": "routes/test_routes.py",
    "routes/table.py": "routes/test_routes.py",
    "routes/validation.py": "routes/test_routes.py",
    "testing/engine.py": "testing/test_consumer_test.py",
    "testing/failures.py": "testing/test_consumer_test.py",
    "testing/recorder.py": "testing/test_consumer_test.py",
    "testing/settling.py": "testing/test_consumer_test.py",
    "testing/story.py": "testing/test_consumer_test.py",
}
MODULES = sorted(
    path.relative_to(ROOT / "app").as_posix() for path in (ROOT / "app").rglob("*.py") if path.name != "__init__.py"
)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_tests(module: str) -> None:
    path = Path(module)
    mirrored = (path.parent / f"test_{path.name}").as_posix()
    assert (ROOT / "tests" / TESTED_BY.get(module, mirrored)).exists(), f"write tests/{mirrored}"


def test_no_module_is_excused_that_has_a_mirror_or_has_gone() -> None:
    for module in TESTED_BY:
        path = Path(module)
        assert module in MODULES
        assert not (ROOT / "tests" / path.parent / f"test_{path.name}").exists()
