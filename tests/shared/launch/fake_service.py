"""A supervisor of made-up services, to be run as a process of its own and to be killed.

Its argument is JSON: the folder for records, and for each service a name, its arguments and its grace.
"""

import json
import sys
from pathlib import Path

from shared.launch.child import Command
from shared.launch.records import Records
from shared.launch.signals import Signals
from shared.launch.supervisor import Backoff, Supervisor


def main() -> None:
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    with Signals() as signals:
        supervisor = Supervisor(folder, Records(folder), signals, Backoff(first=0.05, longest=0.4))
        for service in asked["services"]:
            supervisor.add(Command(service["name"], tuple(service["arguments"]), grace=service["grace"]))
        supervisor.run_until(lambda: False)
        supervisor.stop()


if __name__ == "__main__":
    main()
