"""Engines that compile, by a backend that only notes what it is given."""

from pathlib import Path

import torch

from shared.catalog import Catalog
from shared.storage import LocalStorage
from worker.engine import Engine, Options

Graphs = list[torch.fx.GraphModule]


def compiling_engine(
    models: str, folder: Path, files: LocalStorage, graphs: Graphs, ran: Graphs | None = None
) -> Engine:
    """For the models of this text; notes each graph in `graphs` and each call of one in `ran`."""

    def note(graph: torch.fx.GraphModule, inputs: object) -> object:
        graphs.append(graph)

        def run(*args: object) -> object:
            if ran is not None:
                ran.append(graph)
            return graph.forward(*args)

        return run

    (folder / "compiled.toml").write_text(models)
    engine = Engine(Catalog.read(folder / "compiled.toml"), files, "cpu", Options(compiles=True))
    engine._tuning._compiler._backend = note  # type: ignore[assignment]
    return engine
