"""Makes `.env`, once, from `.env.example` with a generated secret.

Never touches a `.env` that exists. Does not know what the settings mean.
"""

import os
import re
import secrets
import tempfile
from pathlib import Path

from shared.launch.console import say

EMPTY_SECRET = re.compile(r"^SECRET_KEY=[ \t]*$", re.MULTILINE)


def is_needed(root: Path) -> bool:
    """True when neither a `.env` nor the environment says what the secret is."""
    return not os.environ.get("SECRET_KEY") and not (root / ".env").exists()


def make(root: Path) -> None:
    """Writes `.env`, readable by its owner only, in one move: there is never half a file."""
    line = f"SECRET_KEY={secrets.token_urlsafe(48)}"
    text = EMPTY_SECRET.sub(line, (root / ".env.example").read_text())
    if line not in text:
        text = f"{line}\n{text}"
    descriptor, unfinished = tempfile.mkstemp(prefix=".env.", dir=root)
    try:
        with open(descriptor, "w") as file:
            file.write(text)
        Path(unfinished).rename(root / ".env")
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    say("made .env with a new SECRET_KEY")
