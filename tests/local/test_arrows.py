import subprocess
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_it_watches_the_imports_of_every_package() -> None:
    packages = {folder.parent.name for folder in PROJECT.glob("*/__init__.py")} - {"benchmarks"}
    config = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert set(config["tool"]["importlinter"]["root_packages"]) == packages


def test_it_pins_everything_with_hashes_and_names_no_host() -> None:
    for lock in (PROJECT / "requirements.lock", PROJECT / "devserver" / "requirements-go.lock"):
        text = lock.read_text()
        assert "://" not in text
        pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in pin and pin.endswith("\\") for pin in pins)


def test_it_says_what_each_make_target_does() -> None:
    said = subprocess.run(
        ["make", "-s", "help"], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout
    assert all(f"make {target} " in said for target in ("demo", "test", "lint", "bench", "clean"))
