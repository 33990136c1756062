"""Runs one of our programs with a wrong clock: `python shifted.py SECONDS MODULE [ARGUMENTS]`.

Only what Python code reads of the wall clock is shifted, before anything of ours is imported; how
long something takes is measured by another clock and stays right. Tests alone start this.
"""

import ctypes
import datetime as dt
import gc
import runpy
import sys
import time
from typing import Any

RIGHT_TIME, RIGHT_NS = time.time, time.time_ns
RIGHT_NOW = dt.datetime.now


def shift(seconds: int) -> None:
    """From now on every wall clock of this process is wrong by so many seconds."""
    ahead = dt.timedelta(seconds=seconds)

    def now(kind: type[dt.datetime], tz: dt.tzinfo | None = None) -> dt.datetime:
        right = RIGHT_NOW(dt.UTC) + ahead
        return kind.fromtimestamp(right.timestamp(), tz)

    def utcnow(kind: type[dt.datetime]) -> dt.datetime:
        return now(kind, dt.UTC).replace(tzinfo=None)

    time.time = lambda: RIGHT_TIME() + seconds
    time.time_ns = lambda: RIGHT_NS() + seconds * 10**9
    # The class itself is changed, not replaced: whoever has it, has the wrong clock.
    words: Any = gc.get_referents(dt.datetime.__dict__)[0]
    words["now"], words["utcnow"] = classmethod(now), classmethod(utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(dt.datetime))


def main() -> None:
    """Shift, and become the program that is named."""
    seconds, module = int(sys.argv[1]), sys.argv[2]
    sys.path.pop(0)  # this folder is nobody's
    shift(seconds)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
