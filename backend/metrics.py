"""What Prometheus reads: each request's time, by route and status, and what workers have told in the database.

gunicorn's processes write into files of one folder, which PROMETHEUS_MULTIPROC_DIR names (gunicorn.conf.py makes it),
so that whichever of them is asked answers for all.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from backend.services.gauges import MEANINGS, Sample
from shared.tallies import TALLIES, Tally, Told

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Histogram(
    "darkroom_request_seconds",
    "How long requests took, a stream until its beginning.",
    ["contract", "route", "method", "status"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10, 60),
)


def init_app(app: Flask) -> None:
    """Measure every request from now on."""
    app.before_request(_begin)
    app.after_request(_end)


def exposition(samples: Iterable[Sample], told: Sequence[tuple[str, Told]]) -> bytes:
    """What all processes have measured, these samples, and what workers (by id) told, in Prometheus' text format."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    read = CollectorRegistry()
    read.register(_Sampled(samples))
    read.register(_Tallied(told))
    return generate_latest(registry) + generate_latest(read)


class _Sampled(Collector):
    """Writes samples as gauges."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for sample in self._samples:
            family = GaugeMetricFamily(sample.gauge, MEANINGS[sample.gauge], labels=list(sample.labels))
            families.setdefault(sample.gauge, family).add_metric(list(sample.labels.values()), sample.value)
        return families.values()


class _Tallied(Collector):
    """Writes what workers have told, each in series of its own: one that starts anew begins at nothing."""

    def __init__(self, told: Sequence[tuple[str, Told]]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        for tally in TALLIES:
            yield self._histogram(tally) if tally.type == "histogram" else self._sum(tally)

    def _histogram(self, tally: Tally) -> Metric:
        family = HistogramMetricFamily(tally.name, tally.meaning, labels=["worker", *tally.labels])
        bounds = [*(str(float(bound)) for bound in tally.bounds), "+Inf"]
        for worker, told in self._told:
            for labels, counts, total in tally.read(told):
                buckets = list(zip(bounds, accumulate(counts), strict=True))
                family.add_metric([worker, *labels], buckets, total)
        return family

    def _sum(self, tally: Tally) -> Metric:
        kind = GaugeMetricFamily if tally.type == "gauge" else CounterMetricFamily
        family = kind(tally.name, tally.meaning, labels=["worker", *tally.labels])
        for worker, told in self._told:
            for labels, _, total in tally.read(told):
                family.add_metric([worker, *labels], total)
        return family


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    if "began" in g:
        route = request.url_rule.rule if request.url_rule else ""  # never the path: anybody can make up paths
        timer = _timer(request.blueprint or "", route, request.method if route else "", response.status_code)
        timer.observe(time.perf_counter() - g.began)
    return response


@lru_cache(maxsize=4096)
def _timer(*labels: object) -> Histogram:
    return REQUESTS.labels(*labels)
