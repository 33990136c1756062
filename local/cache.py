"""Where a person's machine keeps what took long to fetch or build, and one lock per such thing.

Nothing outside this folder is written by set-up, except the project's own `.venv` and data folder.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]


def say_aloud(sentence: str) -> None:
    """Print a sentence at once, also when the output is a file."""
    print(sentence, flush=True)


def cache_folder() -> Path:
    """Return `$HOMEWARD_CACHE`, or `homeward` in the person's own cache folder; made if missing."""
    own = os.environ.get("HOMEWARD_CACHE")
    if own:
        folder = Path(own).expanduser()
    else:
        shared = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(shared) if shared else Path.home() / ".cache") / "homeward"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def spent(seconds: float) -> str:
    """Tell a stretch of time as a person would: `45 s`, `3 min 20 s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def alone(lock_file: Path, doing: str, say: Say = say_aloud) -> Iterator[None]:
    """Hold a lock that only one program on this machine has; while waiting, say so now and then."""
    with lock_file.open("w") as lock:
        started = told = time.monotonic()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                now = time.monotonic()
                if now - told >= 10:
                    told = now
                    say(f"  waiting for another program that is {doing} ({spent(now - started)})")
                time.sleep(0.2)
        yield
