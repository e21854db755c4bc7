"""`demijohn doctor` ends in time, whatever is wrong, and says what to do."""

from __future__ import annotations

import json
import re

from tests.cli.commands import demijohn
from tests.service_process import free_port


async def test_it_says_what_is_so_and_fails_only_where_something_fails(kafka: str) -> None:
    port = str(free_port())
    well = await demijohn("doctor", servers=kafka, http_port=port, routes="tests.cli.tables:empty")
    assert well.code == 0, well
    assert "ok    login: cluster " in well.out
    assert "WARN  routing table: " in well.out
    away = await demijohn("doctor", "--json", servers=f"127.0.0.1:{free_port()}", http_port=port)
    found = {one["check"]: one for one in json.loads(away.out)}
    assert away.code == 1
    assert (found["bootstrap servers"]["state"], found["login"]["state"]) == ("fail", "skipped")
    assert found["bootstrap servers"]["remedy"].startswith("Check that the brokers run")


async def test_bad_settings_and_a_bad_table_are_findings_too(kafka: str) -> None:
    bad = await demijohn("doctor", "--json", servers=kafka, http_port="many", log_level="loud")
    settings, other = json.loads(bad.out)
    assert (bad.code, settings["state"], other["state"]) == (1, "fail", "skipped")
    assert {"HTTP_PORT", "LOG_LEVEL"} <= set(re.findall(r"[A-Z_]{5,}", settings["detail"]))
    drawn = await demijohn(
        "doctor", "--json", servers=kafka, http_port=str(free_port()), routes="tests.cli.tables:none"
    )
    found = {one["check"]: one for one in json.loads(drawn.out)}
    assert drawn.code == 1
    assert (found["routing table"]["state"], found["login"]["state"], found["topics"]["state"]) == (
        "fail",
        "ok",
        "skipped",
    )
