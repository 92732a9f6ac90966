"""What the service adds to and takes from the time that diffusers takes, on whatever device is here.

`python -m tests.benchmarks.engine [--device auto] [--tasks 64] [--memory-tasks 500] [--only overhead,memory]
[--models sdxl] [--json FILE]`. On a CPU with the built-in model; on a graphics card with models of random weights in
the shapes of Stable Diffusion 1.5 and XL. The bare loop is diffusers' own pipeline, called for one picture after the
other, each saved as PNG, compressed as little as the service does. Figures are written down as they come. It ends with
1 when one misses its bar.
"""

import argparse
import gc
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from diffusers import DiffusionPipeline
from redis import Redis
from redis.client import PubSub

from shared.catalog import Catalog, Model
from shared.generation import Kind, Shape
from shared.progress import CHANNEL, redis_client
from shared.settings import ROOT
from tests.benchmarks.shapes import save_sd15, save_sdxl
from tests.benchmarks.workbench import Work, workbench
from tests.end_to_end.service import Client, Service
from worker.engine import Options, usable_device
from worker.pipelines.loaded import usual_dtype
from worker.pipelines.samplers import scheduler

PARTS = ("overhead", "batching", "latency", "compiled", "memory")
OVERHEAD = {"cuda": 0.95, "cpu": 0.90}  # of the bare loop's pictures a second, at least
SMALL = 512
BATCHING = 2.0  # on a card, at 512 pixels; elsewhere the probe must not choose what makes it slower
NO_SLOWER = 0.98
LATENCY_MS = 30.0
RESTED, REST_SECONDS = 15, 0.5
PAIRS = {"cpu": 6}  # elsewhere two are enough: runs differ less there
COMPILED = 1.3
SLOPE_MB = 1.0  # for a hundred tasks
LITTLE = 1e-6  # gigabytes: never more than one model in memory
SHAPED = """
[[models]]
id = "{id}"
source = "{id}"
kinds = ["t2i"]
width = {{ min = 256, max = 1024, default = {side} }}
height = {{ min = 256, max = 1024, default = {side} }}
steps = {{ min = 1, max = 50, default = 20 }}
guidance_scale = {{ min = 1, max = 20, default = 5 }}
sampling_methods = ["{method}"]
"""


@dataclass(frozen=True)
class Figure:
    """What was measured, in its unit, what lies beside it, and the bar: at least, or with `most` at most so much."""

    name: str
    value: float
    unit: str
    beside: dict[str, float]
    bar: float | None = None
    most: bool = False

    @property
    def missed(self) -> bool:
        return self.bar is not None and (self.value > self.bar if self.most else self.value < self.bar)


def main() -> None:
    """Measure what was asked for, print it and, if asked to, write it down."""
    arguments = _arguments()
    device = usable_device() if arguments.device == "auto" else arguments.device
    with tempfile.TemporaryDirectory(prefix="darkroom-shapes-") as folder:
        known, catalog = _works(device, Path(folder), arguments.tasks)
        works = [work for work in known if not arguments.models or work.model in arguments.models.split(",")]
        measures: dict[str, Callable[[], Iterable[Figure]]] = {
            "overhead": lambda: (_overhead(work, catalog, device) for work in works),
            "batching": lambda: (_batching(work, catalog, device) for work in works),
            "latency": lambda: [_latency(device)],
            "compiled": lambda: (_compiled(work, catalog, device) for work in works if device == "cuda"),
            "memory": lambda: _memory(catalog, device, arguments.memory_tasks),
        }
        figures: list[Figure] = []
        for figure in (figure for part in arguments.only for figure in measures[part]()):
            figures.append(_told(figure))
            if arguments.json:
                _write_down(arguments.json, device, figures)
    sys.exit(1 if any(figure.missed for figure in figures) else 0)


def _write_down(file: Path, device: str, figures: list[Figure]) -> None:
    record = {"device": _named(device), "torch": torch.__version__, "figures": [asdict(figure) for figure in figures]}
    file.write_text(json.dumps(record, indent=2) + "\n")


def _told(figure: Figure) -> Figure:
    beside = ", ".join(f"{name} {value:g}" for name, value in figure.beside.items())
    bar = f"  bar {figure.bar:g}{', MISSED' if figure.missed else ''}" if figure.bar is not None else ""
    print(f"{figure.name:<46} {figure.value:>9.3f} {figure.unit}{bar}   ({beside})", flush=True)
    return figure


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--tasks", type=int, default=64, help="how many are queued for each figure")
    parser.add_argument("--memory-tasks", type=int, default=500)
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"some of {','.join(PARTS)}")
    parser.add_argument("--models", help="only some of the models, with commas between; else all")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def _parts(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return chosen


def _named(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else f"{device}, {psutil.cpu_count()} cores"


def _works(device: str, folder: Path, tasks: int) -> tuple[list[Work], Catalog]:
    """What this device can be asked for in reasonable time."""
    if device == "cpu":
        demo = Work("darkroom-demo", 128, 8, tasks, "DDIM", users=8)
        return [demo, replace(demo, side=256, tasks=max(8, tasks // 4))], Catalog.read(ROOT / "shared" / "models.toml")
    save_sd15(folder / "sd15")
    save_sdxl(folder / "sdxl")
    entries = (("sd15", 512, "DDIM"), ("sdxl", 1024, "Euler"))
    text = "".join(SHAPED.format(id=id, side=side, method=method) for id, side, method in entries)
    (folder / "models.toml").write_text(text)
    works = [Work(id, side, 20, tasks, method, users=8, guidance_scale=5.0) for id, side, method in entries]
    return works, Catalog.read(folder / "models.toml")


def _overhead(work: Work, catalog: Catalog, device: str) -> Figure:
    """Pictures a second through the service, one in a call, by those of the bare loop."""
    bare, service = _bare(work, catalog, device), []
    with workbench(catalog, device) as bench:
        bench.seconds(replace(work, tasks=2))
        rates = []
        for _ in range(3):  # in turn, so that what else the machine does meets both
            rates.append(work.tasks / bare())
            service.append(work.tasks / bench.seconds(work))
    ratio = statistics.median(mine / other for mine, other in zip(service, rates, strict=True))
    beside = {"service per s": round(statistics.median(service), 3), "bare per s": round(statistics.median(rates), 3)}
    return Figure(f"service / bare loop, {work.model} {work.side} px", ratio, "x", beside, OVERHEAD.get(device))


def _bare(work: Work, catalog: Catalog, device: str) -> Callable[[], float]:
    pipeline = _loaded(catalog.models[work.model], device)

    def seconds() -> float:
        since = time.perf_counter()
        for number in range(work.tasks):
            _picture(pipeline, work, number)
        return time.perf_counter() - since

    _picture(pipeline, work, 0)
    return seconds


def _loaded(model: Model, device: str) -> Any:
    pipeline = DiffusionPipeline.from_pretrained(model.source, dtype=usual_dtype(device)).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _picture(pipeline: Any, work: Work, number: int, **others: Any) -> None:
    made = pipeline(
        f"a red circle, number {number}",
        width=work.side,
        height=work.side,
        num_inference_steps=work.steps,
        guidance_scale=work.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(number),
        **others,
    )
    made.images[0].save(io.BytesIO(), "PNG", compress_level=1)


def _batching(work: Work, catalog: Catalog, device: str) -> Figure:
    """How much sooner a queue is done with as many pictures in a call as were found to pay."""
    with workbench(catalog, device) as off, workbench(catalog, device, batch=8) as on:
        for bench in (off, on):
            bench.seconds(replace(work, tasks=2))
            bench.engine.tune(lambda: False)
        chosen = on.engine.batch_limit(Shape(work.model, work.side, work.side))
        gains = []
        for turn in range(PAIRS.get(device, 2)):  # each is first as often: the machine's drift is the larger part
            order = (off, on) if turn % 2 else (on, off)
            seconds = {bench: bench.seconds(work) for bench in order}
            gains.append(seconds[off] / seconds[on])
    gain = statistics.median(gains)
    bar = BATCHING if device == "cuda" and work.side <= SMALL else NO_SLOWER
    return Figure(f"batching on / off, {work.model} {work.side} px", gain, "x", {"pictures in a call": chosen}, bar)


def _latency(device: str) -> Figure:
    """From a submit to where its first step begins, on a worker that has nothing to do; the whole service.

    A step is told when it has ended: as long as a first one takes in the bare loop, after as long a rest, is taken off.
    """
    step = statistics.median(_rested_steps(device))
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as folder:
        service = Service(Path(folder) / "data", DEVICE=device)
        try:
            service.start()
            client = Client(service).sign_up()
            ends = [_first_step_ended(service, client) for _ in range(RESTED)]
        finally:
            service.end()
    begins = sorted(1000 * (end - step) for end in ends)
    beside = {"slowest": begins[-1], "a first step": 1000 * step}
    return Figure("submit to first step, median", statistics.median(begins), "ms", beside, LATENCY_MS, most=True)


def _rested_steps(device: str) -> list[float]:
    """How many seconds the first step of a call takes when the processor has just had nothing to do."""
    model = Catalog.read(ROOT / "shared" / "models.toml").choose(Kind.TEXT_TO_IMAGE, None)
    work = Work(model.id, int(model.width.default), 2, 1, model.sampling_methods[0])
    pipeline = _loaded(model, device)
    pipeline.scheduler = scheduler(work.sampling_method, pipeline.scheduler.config)
    begun: list[float] = []
    ended: list[float] = []

    def step_ended(_: Any, __: int, ___: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        ended.append(time.perf_counter())
        return kwargs

    pipeline.unet.register_forward_pre_hook(lambda *_: begun.append(time.perf_counter()))
    for number in range(RESTED):
        time.sleep(REST_SECONDS)
        _picture(pipeline, work, number, callback_on_step_end=step_ended)
    return [end - begin for begin, end in zip(begun[:: work.steps], ended[:: work.steps], strict=True)]


def _first_step_ended(service: Service, client: Client) -> float:
    """Seconds from a submit to the end of its first step; afterwards the worker rests."""
    redis = redis_client(f"unix://{service.data_dir / 'run' / 'broker.sock'}")
    with redis.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(CHANNEL)
        since = time.perf_counter()
        task = client.submit()
        ended = _step_ended(redis, heard, task, 1)
    client.result(task)
    time.sleep(REST_SECONDS)
    return ended - since


def _step_ended(redis: Redis, heard: PubSub, task: str, step: int) -> float:
    given_up = time.monotonic() + 30
    while int(redis.hget(f"darkroom:progress:{task}", "step") or 0) < step:
        assert time.monotonic() < given_up, "no progress"
        heard.get_message(timeout=1)
    return time.perf_counter()


def _compiled(work: Work, catalog: Catalog, device: str) -> Figure:
    """One picture after the other on a compiled model, by the bare loop on one that is not."""
    bare = _bare(work, catalog, device)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-compiled-")))
        bench = stack.enter_context(workbench(catalog, device, Options(compiles=True, compile_cache=folder)))
        bench.seconds(replace(work, tasks=2))
        since, graphs = time.perf_counter(), _graphs()
        bench.engine.tune(lambda: False)
        beside = {"s to compile": round(time.perf_counter() - since, 1), "graphs": _graphs() - graphs}
        if not beside["graphs"]:
            raise RuntimeError(f"nothing of {work.model} was compiled")
        seconds = [(bare(), bench.seconds(work)) for _ in range(3)]
    torch.compiler.set_stance("default")
    gain = statistics.median(before / after for before, after in seconds)
    return Figure(f"compiled / bare loop, {work.model} {work.side} px", gain, "x", beside, COMPILED)


def _graphs() -> int:
    """How many torch has compiled in this process."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


def _memory(catalog: Catalog, device: str, tasks: int) -> list[Figure]:
    """How much memory grows with each hundred tasks when every tenth needs another model."""
    first = next(model for model in catalog.models.values() if Kind.TEXT_TO_IMAGE in model.kinds)
    two = {first.id: first, "other": first.model_copy(update={"id": "other"})}
    side, method = int(first.width.min), first.sampling_methods[0]
    used: dict[str, list[float]] = {name: [] for name in _megabytes(device)}
    with workbench(replace(catalog, models=two), device, Options(memory_gb=LITTLE)) as bench:
        for turn in range(tasks // 10):
            bench.seconds(Work(("other", first.id)[turn % 2], side, 1, 10, method))
            for name, megabytes in _megabytes(device).items():
                used[name].append(megabytes)
    return [_slope(name, measured[len(measured) // 3 :], tasks) for name, measured in used.items()]


def _slope(name: str, settled: list[float], tasks: int) -> Figure:
    """Of what came after the first third: what is made once, caches above all, is made by then."""
    slope = statistics.linear_regression(range(len(settled)), settled).slope * 10
    beside = {"first": settled[0], "last": settled[-1]}
    return Figure(f"{name} per 100 tasks, over {tasks}", slope, "MB", beside, SLOPE_MB, most=True)


def _megabytes(device: str) -> dict[str, float]:
    gc.collect()
    taken = {"memory": psutil.Process().memory_info().rss}
    if device == "cuda":
        taken["the card's memory"] = torch.cuda.memory_allocated()
    return {name: round(size / 2**20, 1) for name, size in taken.items()}


if __name__ == "__main__":
    main()
