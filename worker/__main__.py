"""`python -m worker`: one worker, a parent that stays light and the child that holds the device."""

import os
import sys
import uuid
import warnings

from celery.platforms import SecurityWarning

from shared import log, settings
from shared.catalog import Catalog, InvalidCatalog
from shared.messages import QUEUES

NODE_VARIABLE = "DARKROOM_NODE"
# Threads that wait for each other by spinning starve one another as soon as something else wants the processor too:
# a 128x128 picture of the built-in model took 19 to 37 s beside another busy process, and 0.7 s with this.
PATIENCE = ("OMP_WAIT_POLICY", "PASSIVE")


def main() -> None:
    """Runs until SIGTERM; the child of this parent is known by a node id that outlives each child."""
    try:
        configured = settings.load()
        Catalog.read(configured.models_file)
    except (settings.InvalidSettings, InvalidCatalog) as error:
        sys.exit(f"worker: {error}")
    log.configure(configured)
    warnings.simplefilter("ignore", SecurityWarning)  # it is about pickle, which is not accepted here
    os.environ.setdefault(*PATIENCE)
    os.environ[NODE_VARIABLE] = uuid.uuid4().hex

    from worker.app import app  # only now: making the app reads the settings

    app.worker_main(["--quiet", "worker", "--queues", ",".join(QUEUES), "--without-gossip", "--without-mingle"])


if __name__ == "__main__":
    main()
