"""`python -m shared.launch`: carries out a command, once the virtual environment has all it needs."""

import sys
from collections.abc import Sequence

from shared.catalog import Catalog, InvalidCatalog
from shared.launch import checks
from shared.launch.command_line import parse
from shared.launch.console import Refused, complain
from shared.launch.foreground import Foreground, stop_on_sigterm
from shared.launch.serve import serve
from shared.settings import ROOT, InvalidSettings, load


def main(arguments: Sequence[str]) -> int:
    """The exit status; tests replace the process."""
    try:
        request = parse(arguments)
        if request.command in checks.PROGRAMS:
            checks.become(ROOT, request.command, request.arguments)
        if request.command == "check":
            stop_on_sigterm()
            return checks.check(Foreground(ROOT))
        settings = load()
        Catalog.read(settings.models_file)
        return serve(request.command, settings)
    except InvalidCatalog as problem:
        return complain(Refused(f"MODELS_FILE: {problem}", status=2))
    except InvalidSettings as problem:
        return complain(Refused(str(problem), status=2))
    except Refused as refusal:
        return complain(refusal)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
