"""The alert rules fire when they should, name metrics that are there, and are explained in the runbook."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.observing import metrics
from tests.deploy.tools import program

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
METRIC = re.compile(r"demijohn[_:][a-z0-9_:]+")
GAUGES = {
    "consumer_lag",
    "consumer_lag_seconds",
    "consumer_paused",
    "health_reasons",
    "produce_in_flight",
    "produce_queue_ratio",
    "receipts",
    "event_loop_lag_seconds",
}


def exported() -> set[str]:
    """The names of all series that a scrape may give."""
    counters = {f"{name}_total" for name in metrics.COUNTERS} | {"http_requests_total"}
    histograms = {f"{name}_bucket" for name in (*metrics.HISTOGRAMS, "http_request_seconds")}
    return {metrics.PREFIX + name for name in counters | histograms | GAUGES}


def test_the_rules_pass_their_own_tests() -> None:
    done = subprocess.run(
        [program("promtool", "prometheus"), "test", "rules", str(PROMETHEUS / "alerts_test.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_in_the_rules_tests() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    checks = [check for test in tests for check in test["alert_rule_test"]]
    assert {check["alertname"] for check in checks if check["exp_alerts"]} == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_that_are_there(rule: dict[str, Any]) -> None:
    expression = re.sub(r'"[^"]*"', "", rule["expr"])
    assert set(METRIC.findall(expression)) <= exported() | RECORDED


def test_the_grafana_dashboard_asks_for_metrics_that_are_there() -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "demijohn.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        for name in METRIC.findall(target["expr"])
    }
    assert asked
    assert asked <= exported()


def test_the_panels_of_the_grafana_dashboard_do_not_overlap() -> None:
    panels = json.loads((ROOT / "deploy" / "grafana" / "demijohn.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_has_its_paragraph_in_the_runbook(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook"].split("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert rule["alert"] in headings
    assert anchor == rule["alert"].lower()


def test_the_runbook_explains_nothing_that_cannot_fire() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert headings == [rule["alert"] for rule in ALERTS]
