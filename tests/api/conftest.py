"""A house for tests of the API: real servers, a worker and the API in a thread of their own.

One for all tests of a process; each test opens cases of its own. The cast is `CAST`.
"""

import asyncio
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest
import structlog
import uvicorn
from sqlalchemy import Engine

from api.accounts import add_user, make_token, seed_offices
from api.app import create_app
from engine.virtual_time import fast_forward
from local.postgres import RunningPostgres, clone_database, drop_database
from local.temporal import RunningTemporal
from records import installation
from records.session import make_engine
from rulefiles import read_rules
from settings import Settings
from tests.conftest import TEMPLATE
from worker import run_worker

SECRET = "a key for tests only, thirty-two or more letters"
PASSWORD = "correct horse battery"

# user, office, role. Viktor works in the other province and is a stranger to every case here.
CAST = (
    ("mali", "th-ubon-case", "coordinator"),
    ("desk", "th-ubon-desk", "partner"),
    ("thida", "th-ubon-shelter", "partner"),
    ("ngo", "mekong-line", "partner"),
    ("team", "th-ubon-team", "partner"),
    ("imm", "th-ubon-immigration", "partner"),
    ("psdhs", "th-ubon-psdhs", "coordinator"),
    ("anan", "th-ubon-committee", "secretary"),
    ("nida", "th-datip", "manager"),
    ("bounmy", "la-molsw", "manager"),
    ("fon", "th-mfa", "focal"),
    ("viktor", "th-chiang-rai-case", "coordinator"),
    ("root", "system", "admin"),
    ("rita", "th-mfa", "rules_writer"),
)


def new_key() -> str:
    return uuid.uuid4().hex


class Person(httpx2.Client):
    """Somebody with a token; `post` and its like send a fresh key unless one is given."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(base_url=url, headers=headers, timeout=30)

    def send_change(
        self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Idempotency-Key", key or new_key())
        return self.request(method, f"/api/v1{path}", json=body or {}, headers=named)

    def do(
        self, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        return self.send_change("POST", path, body, key, **headers)

    def read(self, path: str, **params: Any) -> httpx2.Response:
        return self.get(f"/api/v1{path}", params=params)

    def every(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Return every item of a list, page by page: other tests fill the lists, too."""
        found: list[dict[str, Any]] = []
        asked = {"limit": 100, **params}
        while True:
            answer = self.read(path, **asked)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            if page["next"] is None:
                return found
            asked["cursor"] = page["next"]


@dataclass
class Running:
    """The running API and the people who use it."""

    url: str
    settings: Settings
    database: Engine
    app: Any
    tokens: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Person:
        if name.startswith("_") or name not in self.tokens:
            raise AttributeError(name)
        return self.person(name)

    def person(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = Person(self.url, self.tokens[name])
        return self.people[name]

    @property
    def nobody(self) -> Person:
        return self.people.setdefault("", Person(self.url, None))

    def a_case(self, by: str = "mali", **changes: Any) -> dict[str, Any]:
        """Open a case and return the answer."""
        body = {
            "corridor": "th-la",
            "age": 24,
            "sex": "female",
            "person": {"name": f"Noi {uuid.uuid4().hex[:6]}", "contact": "through the shelter"},
        }
        asked = {name: value for name, value in {**body, **changes}.items() if value is not None}
        answer = self.person(by).do("/cases", asked)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def at_placement(self, **changes: Any) -> dict[str, Any]:
        """A case whose placement is offered to the shelter."""
        case = self.a_case(**changes)
        done = self.imm.do(
            f"/tasks/{case['case']}/screening/complete", {"outcome": "presumed_victim"}
        )
        assert done.status_code == 200, done.text
        return {**case, "version": done.json()["version"]}

    def a_colleague(self, *places: tuple[str, str]) -> Person:
        """Somebody new who works in these offices in these roles; the token is for the first."""
        user, at = f"new-{uuid.uuid4().hex[:8]}", datetime.now(UTC)
        with self.database.begin() as connection:
            for office, role in places:
                add_user(
                    connection,
                    read_rules(),
                    user_id=user,
                    name="Somebody new",
                    office=office,
                    role=role,
                    at=at,
                )
            token = make_token(connection, user_id=user, office=places[0][0], at=at).token
        self.tokens[user] = token
        return self.person(user)

    def step(self, case: dict[str, Any], step: str) -> dict[str, Any]:
        procedure = self.mali.read(f"/cases/{case['case']}").json()["procedure"]
        found: dict[str, Any] = next(s for s in procedure if s["step"] == step)
        return found


def settings_for(url: str, temporal: RunningTemporal, folder: Path, **changes: Any) -> Settings:
    return Settings(
        upkeep=False,
        database_url=url,
        temporal_address=temporal.address,
        namespace=temporal.namespace,
        task_queue=f"api-{uuid.uuid4().hex[:12]}",
        data_dir=folder,
        secret_key=SECRET,
        payload_key=SECRET,
        **changes,
    )


class Serving:
    """Worker and API in the event loop of a thread, until told to stop."""

    def __init__(self, settings: Settings, *, with_worker: bool = True) -> None:
        self.settings = settings
        self.with_worker = with_worker
        # TCP by name: asyncio turns Nagle's delay off only for sockets that say so.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        clock = fast_forward if settings.rehearsal else None
        self.app = create_app(settings, move_clock=clock)
        self.server = uvicorn.Server(
            uvicorn.Config(self.app, log_config=None, access_log=False, lifespan="on")
        )
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        with httpx2.Client(base_url=self.url, timeout=30) as client:
            assert client.get("/health/live").status_code == 200
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=20)
        self.socket.close()

    async def _serve(self) -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(run_worker(self.settings, stop)) if self.with_worker else None
        await self.server.serve(sockets=[self.socket])
        stop.set()
        if working is not None:
            await working


def cast(database: Engine) -> dict[str, str]:
    """Make everybody and return their tokens."""
    at = datetime.now(UTC)
    rulebook = read_rules()
    with database.begin() as connection:
        seed_offices(connection, rulebook)
        for user, office, role in CAST:
            add_user(
                connection,
                rulebook,
                user_id=user,
                name=user.title(),
                office=office,
                role=role,
                at=at,
                password=PASSWORD if user == "thida" else None,
            )
        return {
            user: make_token(connection, user_id=user, office=office, at=at).token
            for user, office, _ in CAST
        }


def running_on(settings: Settings, *, with_worker: bool = True) -> Iterator[Running]:
    database = make_engine(str(settings.database_url))
    if settings.rehearsal:
        with database.begin() as connection:
            installation.make_rehearsal(connection)
    tokens = cast(database)
    with Serving(settings, with_worker=with_worker) as serving:
        running = Running(serving.url, settings, database, serving.app, tokens)
        yield running
        for person in running.people.values():
            person.close()
    database.dispose()


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Log lines go where pytest keeps them."""
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


@pytest.fixture(scope="session")
def api(
    postgres_server: RunningPostgres,
    temporal: RunningTemporal,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """A rehearsal that everybody shares; every test opens its own cases."""
    name = f"api_{uuid.uuid4().hex[:16]}"
    url = clone_database(postgres_server.url, TEMPLATE, name)
    folder = tmp_path_factory.mktemp("house")
    yield from running_on(settings_for(url, temporal, folder, rehearsal=True))
    drop_database(postgres_server.url, name)
