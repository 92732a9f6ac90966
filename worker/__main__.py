"""`python -m worker`: one worker, a parent that stays light and the child that holds the device."""

import os
import sys
import uuid
import warnings

from celery.platforms import SecurityWarning

from shared import log, settings
from shared.catalog import Catalog, InvalidCatalog
from shared.messages import QUEUES
from worker import NODE_VARIABLE

# GNU OpenMP's threads spin while they wait for each other, and two processes that do so starve one another. Two workers
# on two cores took 1.8 to 4.5 s for a picture of the built-in model, with short spinning 1.0 s; one alone, 0.4 and 0.5.
PATIENCE = ("GOMP_SPINCOUNT", "1000")
QUIET = ("TRANSFORMERS_VERBOSITY", "error")  # about packages that a model might want and none here does


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
    os.environ.setdefault(*QUIET)
    os.environ[NODE_VARIABLE] = uuid.uuid4().hex

    from worker.app import app  # only now: making the app reads the settings

    app.worker_main(["--quiet", "worker", "--queues", ",".join(QUEUES), "--without-gossip", "--without-mingle"])


if __name__ == "__main__":
    main()
