#!/usr/bin/env bash
# Starts Darkroom from a fresh clone. Finds a Python and hands over to shared/launch, in this very process:
# the pid of start.sh becomes the pid of the supervisor. Keeps to bash 3.2, which macOS ships.
set -euo pipefail

recent='import sys; sys.exit(1) if sys.version_info < (3, 11) else print(sys.executable)'
complete="import venv, ensurepip; $recent"

find_python() { # prints the first interpreter that passes a probe; one that can make a venv is preferred
    local probe candidate
    for probe in "$complete" "$recent"; do
        for candidate in "$@"; do
            "$candidate" -c "$probe" 2>/dev/null && return
        done
    done
    printf 'start: %sno Python 3.11 or newer: %s\n' "${PYTHON:+PYTHON=$PYTHON is }" \
        "install one (apt install python3 python3-venv, brew install python) or set PYTHON=/path/to/python3" >&2
    return 1
}

from_here() { # a relative folder is relative to the caller, not to the clone
    case "$1" in
        /* | '~'* | '') printf '%s' "$1" ;;
        *) printf '%s/%s' "$PWD" "$1" ;;
    esac
}

if [ -n "${PYTHON:-}" ]; then
    python=$(find_python "$PYTHON")
else
    python=$(find_python python3.14 python3.13 python3.12 python3.11 python3)
fi
DATA_DIR=$(from_here "${DATA_DIR:-}")
VENV_DIR=$(from_here "${VENV_DIR:-}")
export DATA_DIR VENV_DIR

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
exec "$python" -m shared.launch.prepare "$@"
