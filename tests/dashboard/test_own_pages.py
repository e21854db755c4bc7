"""The documents of what this service does itself: every promised member, null for what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.events import ErrorOccurred
from app.observing.series import STEPS
from app.settings import Settings
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service
from tests.dashboard.test_instance_pages import get

SERIES = (
    "produced_per_s consumed_per_s failed_per_s errors retries dead lag lag_s ack_p50_ms ack_p99_ms rss_bytes "
    "cpu_percent"
)
ERROR = "id class kind message group topic partition offset consumer first_at last_at count instance"


async def test_history_has_every_series_of_every_range(service: Service) -> None:
    for span, (step_s, points) in STEPS.items():
        document = await get(service, f"/dashboard/api/history?range={span}")
        assert (document["range"], document["step_s"], document["scope"]) == (span, step_s, "instance")
        assert set(document["series"]) == set(SERIES.split())
        assert len(document["at"]) == points
        assert document["by_topic"] == {}
    assert (await get(service, "/dashboard/api/history"))["range"] == "5m"
    refused = await service.http.get("/dashboard/api/history?range=2h")
    assert refused.json()["errors"] == [{"path": "query.range", "message": "must be one of 5m, 1h, 24h, 7d"}]


async def test_produce_says_where_to_and_within_which_limits(make_service: MakeService, tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text("{}")
    service = make_service(
        topics={"example": 1, "example.dlq": 1, "__consumer_offsets": 50}, http_schemas_dir=str(tmp_path)
    )
    document = await get(service, "/dashboard/produce")
    assert document["topics"] == ["example"]
    assert document["schemas"] == ["example"]
    assert document["limits"] == {"max_payload_bytes": 1_000_012, "timeout_s": 15, "max_timeout_s": 30}
    assert document["produce"] == (await get(service, "/dashboard"))["produce"]


async def test_produce_shows_each_key_its_own_topics(make_service: MakeService, key_file: KeyFile) -> None:
    key_file.write({"all": {"roles": ["admin"]}, "some": {"roles": ["produce", "read"], "topics": ["ex*"]}})
    service = make_service(topics={"example": 1, "other": 1}, http_api_keys_file=str(key_file.path))
    shown = [
        (await service.http.get("/dashboard/produce", headers={"x-api-key": key_file.secrets[name]})).json()["topics"]
        for name in ("all", "some")
    ]
    assert shown == [["example", "other"], ["example"]]


async def test_routing_shows_lines_with_the_topics_that_they_found(make_service: MakeService) -> None:
    service = make_service(topics={"other": 1})
    (group,) = (await get(service, "/dashboard/routing"))["groups"]
    (line,) = group["lines"]
    assert (group["name"], line["kind"], line["topic"], line["found"], line["missing"]) == (
        *("demijohn", "topic", "example", [], True),
    )
    assert line["consumer"].endswith(".SomeConsumer")
    assert line["dead_letter"]["topic"] == "example.dlq"
    assert line["settings"]["max_messages"] == 100


async def test_what_is_missing_is_not_known_while_kafka_has_never_answered(service: Service) -> None:
    service.kafka.reachable = False
    assert (await get(service, "/dashboard/routing"))["groups"][0]["lines"][0]["missing"] is None


async def test_every_setting_is_shown_and_no_secret(make_service: MakeService) -> None:
    service = make_service(
        kafka_security_protocol="SASL_PLAINTEXT", kafka_sasl_username="u", kafka_sasl_password="very secret"
    )
    answer = await service.http.get("/dashboard/routing")
    assert "very secret" not in answer.text
    settings: dict[str, Any] = {row["name"]: row for row in answer.json()["settings"]}
    assert set(settings) == {name.upper() for name in Settings.model_fields}
    assert settings["KAFKA_SASL_PASSWORD"]["value"] == "***"
    assert (settings["KAFKA_SASL_USERNAME"]["value"], settings["KAFKA_SASL_USERNAME"]["changed"]) == ("u", True)
    assert (settings["HTTP_PORT"]["value"], settings["HTTP_PORT"]["changed"]) == (3000, False)
    assert all(set(row) == {"name", "value", "default", "changed", "help"} for row in settings.values())


def fail(service: Service, message: str, offset: int | None = 118204) -> None:
    error = ValueError(message)
    if offset is None:
        service.monitor.emit(ErrorOccurred("producer.deliver", error))
    else:
        service.monitor.emit(
            ErrorOccurred("consumer.consume", error, "demijohn", "odd topic", 2, offset, offset, 3, "C")
        )


async def test_errors_are_grouped_and_one_has_its_traceback(service: Service) -> None:
    fail(service, "first")
    fail(service, "second")
    fail(service, "elsewhere", None)
    table = (await get(service, "/dashboard/errors"))["table"]
    assert (table["sort"], table["matched"]) == ("-last_at", 2)
    assert set(table["rows"][0]) == set(ERROR.split())
    found = next(row for row in table["rows"] if row["topic"] == "odd topic")
    assert (found["message"], found["count"]) == ("second", 2)
    whole = await get(service, f"/dashboard/errors/{found['id']}")
    assert set(ERROR.split()) | {"traceback", "offsets", "attempts", "message_path"} <= set(whole)
    assert "ValueError: second" in whole["traceback"]
    assert whole["message_path"] == "/dashboard/topics/odd%20topic?partition=2&offset=118204"
    other = next(row for row in table["rows"] if row["topic"] is None)
    assert (await get(service, f"/dashboard/errors/{other['id']}"))["message_path"] is None


async def test_errors_are_searched_filtered_and_exported(service: Service) -> None:
    fail(service, "first")
    fail(service, "=cmd()", None)
    assert (await get(service, "/dashboard/errors?q=FIRST"))["table"]["matched"] == 1
    assert (await get(service, "/dashboard/errors?topic=odd+topic"))["table"]["matched"] == 1
    assert (await get(service, "/dashboard/errors?class=builtins.KeyError"))["table"]["matched"] == 0
    exported = await service.http.get("/dashboard/errors", headers={"accept": "text/csv"})
    assert "'=cmd()" in exported.text


async def test_an_error_that_is_not_kept_is_404(service: Service) -> None:
    assert (await service.http.get("/dashboard/errors/nothing")).status_code == 404


@pytest.mark.parametrize("path", ["produce", "routing", "errors", "api/me", "api/history"])
async def test_with_kafka_away_every_document_comes_all_the_same(service: Service, path: str) -> None:
    service.kafka.reachable = False
    await get(service, f"/dashboard/{path}")
