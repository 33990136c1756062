"""Finds or makes the `temporal` program: on PATH, cached, downloaded by the SDK, or built.

It starts no server. Every way ends in a program whose server is new enough for virtual time.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from local.cache import Say, alone, cache_folder, say_aloud
from local.errors import NoServer
from local.temporal_build import CLI_VERSION, build

# Server 1.32.0 is the first whose virtual time the SDK understands.
OLDEST_SERVER = (1, 32, 0)
DOWNLOAD_HOST = "temporal.download"
REACH_SECONDS = 3.0
DOWNLOAD_SECONDS = 180.0


def find_temporal(say: Say = say_aloud) -> Path:
    """Return a `temporal` program that is new enough, made first if need be.

    Raises `NoServer` with one sentence when no way works.
    """
    on_path = shutil.which("temporal")
    why_not: list[str] = []
    if on_path:
        if is_new_enough(Path(on_path)):
            return Path(on_path)
        why_not.append(f"the `temporal` on PATH has a server older than {_dotted(OLDEST_SERVER)}")
    try:
        cached = cache_folder() / "bin" / f"temporal-{CLI_VERSION}"
        cached.parent.mkdir(exist_ok=True)
        if cached.exists():
            return cached
        with alone(cached.parent / "lock", "fetching or building the Temporal server", say):
            # The one we waited for may have made it meanwhile.
            if not cached.exists():
                _make(cached, why_not, say)
            return cached
    except OSError as problem:
        why_not.append(f"the cache folder cannot be used ({problem})")
        raise NoServer(_no_way(why_not)) from None


def _make(cached: Path, why_not: list[str], say: Say) -> None:
    transition = cached.with_name(f"{cached.name}.draft")
    for way in (download, build):
        try:
            way(transition, say)
        except NoServer as reason:
            why_not.append(str(reason))
            continue
        if is_new_enough(transition):
            transition.replace(cached)
            return
        why_not.append(f"what {way.__name__} gave does not run here")
    transition.unlink(missing_ok=True)
    raise NoServer(_no_way(why_not))


def download(target: Path, say: Say) -> None:
    """Let the SDK download the pinned release; without a network this fails within seconds."""
    if not _reachable():
        raise NoServer(f"{DOWNLOAD_HOST} cannot be reached")
    say(f"Downloading the Temporal server {CLI_VERSION}, once ...")
    folder = target.with_name("download")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        # A program of its own: it can be ended at the limit, whatever the download is doing.
        subprocess.run(
            [sys.executable, "-m", "local.download", str(folder), f"v{CLI_VERSION}"],
            check=True,
            capture_output=True,
            timeout=DOWNLOAD_SECONDS,
            cwd=Path(__file__).resolve().parent.parent,
        )
        fetched = max(folder.iterdir(), key=lambda file: file.stat().st_size)
        fetched.replace(target)
        target.chmod(0o755)
    except subprocess.TimeoutExpired:
        raise NoServer(f"the download took more than {DOWNLOAD_SECONDS:.0f} s") from None
    except (subprocess.CalledProcessError, ValueError):
        raise NoServer(f"the download from {DOWNLOAD_HOST} failed") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reachable() -> bool:
    if any(name in os.environ for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return True  # behind a proxy names need not resolve here; the proxy answers soon enough
    try:
        with socket.create_connection((DOWNLOAD_HOST, 443), timeout=REACH_SECONDS):
            return True
    except OSError:
        return False


def is_new_enough(program: Path) -> bool:
    """Say whether this `temporal` runs here and carries a server that knows virtual time."""
    try:
        answer = subprocess.run(
            [program, "--version"], check=True, capture_output=True, text=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    server = server_version(answer)
    return server is not None and server >= OLDEST_SERVER


def server_version(answer: str) -> tuple[int, int, int] | None:
    """Read the server's version from what `temporal --version` prints; None if it names none."""
    found = re.search(r"\bServer v?(\d+)\.(\d+)\.(\d+)", answer)
    if found is None:
        return None
    major, minor, patch = (int(part) for part in found.groups())
    return major, minor, patch


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _no_way(why_not: list[str]) -> str:
    return (
        "No Temporal server could be found or made: "
        + "; ".join(why_not)
        + f". Set TEMPORAL_ADDRESS, or put the Temporal CLI {CLI_VERSION} or newer on PATH."
    )
