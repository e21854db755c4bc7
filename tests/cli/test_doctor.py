"""`demijohn doctor` ends in time, whatever is wrong, and says what to do."""

from __future__ import annotations

import json

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
