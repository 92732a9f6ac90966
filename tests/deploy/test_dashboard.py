"""The dashboard and the alerts know every metric, and none that is not there."""

import json
import re
from typing import Any

import pytest
import yaml

from backend.metrics import REQUESTS
from backend.services.gauges import MEANINGS
from shared.metrics import DEGRADED
from shared.settings import ROOT
from shared.tallies import TALLIES
from shared.workers import State

DASHBOARD = ROOT / "deploy" / "grafana" / "darkroom.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
OF_COUNTERS = {f"{metric.describe()[0].name}_total" for metric in (DEGRADED,)}
OF_HISTOGRAMS = {REQUESTS.describe()[0].name + suffix for suffix in ("_bucket", "_count", "_sum")}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
OF_WORKERS = {tally.name + suffix for tally in TALLIES for suffix in SUFFIXES[tally.type]}
EXPORTED = {*MEANINGS, *OF_COUNTERS, *OF_HISTOGRAMS, *OF_WORKERS}


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found


def asked(panels: list[dict[str, Any]]) -> list[str]:
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def named(queries: list[str]) -> set[str]:
    return {name for query in queries for name in re.findall(r"\bdarkroom_\w+", query)}


def test_the_dashboard_shows_every_metric_and_only_those_that_there_are(panels: list[dict[str, Any]]) -> None:
    assert named(asked(panels)) == EXPORTED


def test_alerts_are_about_metrics_that_there_are() -> None:
    assert named([rule["expr"] for rule in alerts()]) - EXPORTED == set()


def test_states_of_workers_are_those_that_there_are(panels: list[dict[str, Any]]) -> None:
    queries = [*asked(panels), *(rule["expr"] for rule in alerts())]

    states = {
        state for query in queries for found in re.findall(r'state=~?"([^"]+)"', query) for state in found.split("|")
    }

    assert states
    assert states - set(State) == set()


def test_the_dashboards_panels_lie_beside_each_other(panels: list[dict[str, Any]]) -> None:
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_panel_and_alert_says_what_it_tells(panels: list[dict[str, Any]]) -> None:
    shown = [panel for panel in panels if panel["type"] != "row"]

    assert [panel["title"] for panel in shown if not panel["description"]] == []
    assert [rule["alert"] for rule in alerts() if not rule["annotations"]["summary"] or not rule["for"]] == []
