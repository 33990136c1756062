"""Set-up by hand: `python -m local ready` fetches or builds what is missing, `clean` removes data.

It starts nothing that stays.
"""

import shutil
import sys

from local.cache import say_aloud
from local.errors import NoServer
from local.postgres import remove_postgres
from local.temporal import configured_address, remove_temporal
from local.temporal_binary import find_temporal
from settings import Settings, settings_here


def ready(settings: Settings) -> None:
    """Make sure that a Temporal server can be started, or say in one sentence why not."""
    if configured_address(settings) is None:
        find_temporal()


def clean(settings: Settings) -> None:
    """Stop what runs on the local data folder and remove the folder."""
    remove_temporal(settings.data_dir / "temporal.db")
    remove_postgres(settings.data_dir / "postgresql")
    if settings.data_dir.exists():
        shutil.rmtree(settings.data_dir)
        say_aloud(f"Removed the local data in {settings.data_dir}.")


def main(words: list[str]) -> int:
    """Run one of the two commands; return the exit code."""
    commands = {"ready": ready, "clean": clean}
    if len(words) != 1 or words[0] not in commands:
        say_aloud("usage: python -m local ready|clean")
        return 2
    try:
        commands[words[0]](settings_here())
    except NoServer as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
