import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from settings import Settings, settings_here


def test_it_makes_a_key_once_that_only_its_owner_may_read(tmp_path: Path) -> None:
    key = Settings(data_dir=tmp_path).keyed_hash_key()
    file = tmp_path / "secrets" / "secret.key"
    assert len(key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Settings(data_dir=tmp_path).keyed_hash_key() == key


def test_it_uses_different_keys_for_different_purposes_and_machines(tmp_path: Path) -> None:
    here, there = Settings(data_dir=tmp_path / "a"), Settings(data_dir=tmp_path / "b")
    keys = {here.keyed_hash_key(), here.payload_encryption_key(), there.keyed_hash_key()}
    assert len(keys) == 3


def test_it_prefers_a_given_key_and_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_SECRET_KEY", "x" * 40)
    first = Settings(data_dir=tmp_path)
    assert first.keyed_hash_key() == Settings(data_dir=tmp_path / "other").keyed_hash_key()
    assert list(tmp_path.iterdir()) == []
    assert "xxx" not in repr(first)


def test_it_refuses_a_short_key() -> None:
    with pytest.raises(ValidationError, match="at least 32"):
        Settings.model_validate({"secret_key": "short"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOMEWARD_SECRET_KEY", "thirty-one letters are not enough", "at least 32 characters"),
        ("HOMEWARD_API_PORT", "eight thousand", "a valid integer"),
    ],
)
def test_it_says_which_setting_is_wrong_and_never_shows_it(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = value[:31]
    monkeypatch.setenv(name, given)
    with pytest.raises(SystemExit) as stopped:
        settings_here()
    assert f"{name}: " in str(stopped.value)
    assert said in str(stopped.value)
    assert given not in str(stopped.value)
    with pytest.raises(ValidationError) as wrong:
        Settings()
    assert given not in str(wrong.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_it_names_the_driver_whichever_spelling_is_given(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://u@h/db")
    assert Settings().database_url == "postgresql+psycopg://u@h/db"


def test_it_gives_the_address_people_see() -> None:
    assert Settings(base_url=None, api_port=8123).public_url() == "http://127.0.0.1:8123"
    assert Settings(base_url="https://homeward.example/").public_url() == "https://homeward.example"
