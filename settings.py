"""Every setting of an installation, in one class, read from the environment.

It never holds a default secret: keys come from the environment or are made once on this machine.
Nothing below the composition roots reads the environment by itself.
"""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent
KEY_BYTES = 32


class Settings(BaseSettings):
    """What one installation may choose; `docs/running.md` explains each line.

    Names in the environment start with `HOMEWARD_`, except the three that other programs share:
    `DATABASE_URL`, `TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE`.
    """

    model_config = SettingsConfigDict(
        env_prefix="HOMEWARD_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,  # a key that is too short is a secret all the same
    )

    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("HOMEWARD_DATABASE_URL", "DATABASE_URL"),
        description="A PostgreSQL 15 or newer; nothing means the embedded one.",
    )
    temporal_address: str | None = Field(
        default=None,
        validation_alias=AliasChoices("HOMEWARD_TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS"),
        description="host:port of a Temporal server; nothing means one of this machine.",
    )
    namespace: str = Field(
        default="default",
        validation_alias=AliasChoices("HOMEWARD_NAMESPACE", "TEMPORAL_NAMESPACE"),
    )
    task_queue: str = "homeward"

    data_dir: Path = Field(
        default=Path(".homeward"), description="Where this machine keeps data, logs and keys."
    )
    rules_dir: Path = PROJECT / "rules"

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65535, description="0 takes a free one.")
    base_url: str | None = Field(
        default=None, description="The address people see; nothing means host and port of the API."
    )

    rehearsal: bool = Field(
        default=False, description="Fictional cases that may live at their own date."
    )
    sandbox: bool = Field(
        default=False,
        description="Temporal's workflow sandbox: on in every test, off where tried code runs.",
    )
    upkeep: bool = Field(
        default=True, description="Workers keep the schedules of upkeep; off in most tests."
    )
    processes: int = Field(default=1, ge=1, description="Worker processes.")
    cached_cases: int = Field(
        default=4_000, ge=1, description="Open cases a worker keeps in memory; others are replayed."
    )
    sweep_after_hours: int = Field(
        default=24,
        ge=1,
        le=24 * 365,
        description="Words of acts that never happened are removed so long after they were sent. "
        "A proposal: a day, for an answer that was lost is asked for again within one.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    secret_key: SecretStr | None = Field(
        default=None, description="For keyed hashes; at least 32 characters."
    )
    payload_key: SecretStr | None = Field(
        default=None, description="Seals what is sent to Temporal; at least 32 characters."
    )

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, url: str | None) -> str | None:
        """Spell out psycopg 3, whichever of the usual spellings was given."""
        if url is None:
            return None
        for plain in ("postgresql://", "postgres://"):
            if url.startswith(plain):
                return "postgresql+psycopg://" + url.removeprefix(plain)
        return url

    @field_validator("secret_key", "payload_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < KEY_BYTES:
            raise ValueError(f"a key needs at least {KEY_BYTES} characters")
        return key

    @field_validator("data_dir", "rules_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().resolve()

    def keyed_hash_key(self) -> bytes:
        """Return the 32 bytes that keyed hashes use; the same on every call and every start."""
        return self._key(self.secret_key, "secret")

    def payload_encryption_key(self) -> bytes:
        """Return the 32 bytes that seal what Temporal is given."""
        return self._key(self.payload_key, "payload")

    def public_url(self) -> str:
        """Return the address people see, without a slash at the end."""
        return (self.base_url or f"http://{self.api_host}:{self.api_port}").rstrip("/")

    def _key(self, given: SecretStr | None, name: str) -> bytes:
        if given is not None:
            return hashlib.sha256(given.get_secret_value().encode()).digest()
        return _kept_key(self.data_dir / "secrets" / f"{name}.key")


def settings_here() -> Settings:
    """Read the settings of this process.

    Raises SystemExit with a sentence for each that is wrong: its name and why, never its value.
    """
    try:
        return Settings()
    except ValidationError as wrong:
        lines = [f"{_in_environment(error['loc'][0])}: {error['msg']}" for error in wrong.errors()]
        raise SystemExit("\n".join(("A setting is wrong.", *lines))) from None


def _in_environment(name: int | str) -> str:
    given = str(name)
    return given if given.isupper() else f"HOMEWARD_{given.upper()}"


def _kept_key(file: Path) -> bytes:
    """Read a key of this machine, made at the first asking; only its owner may read the file."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        # Written whole beside it, then linked: of two processes that start at once, one key wins.
        transition = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(
            os.open(transition, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as out:
            out.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(transition, file)
        except FileExistsError:
            pass
        finally:
            transition.unlink()
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{file} is not a key of {KEY_BYTES} bytes; restore it from a backup")
    return key
