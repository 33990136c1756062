"""The one way in: authorise, seal, send, answer. JSON routes and pages both come through here.

It reads no request and writes no page. `ready.py` says who may, `answers.py` what came of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api import errors, keys, visibility
from api.admission import Ready, Texts, let_in
from api.deps import Services
from api.json.schemas.done import Done
from api.policy import Caller
from api.requests import Doing
from domain import errors as core
from domain.case.core import command_of
from domain.case.events import FactCorrected
from domain.work.state import Office
from engine.errors import ActRefused, EngineError, NoSuchSubject, OutcomeUnknown
from records import ledger, people, private_texts, subjects
from records.session import system, transaction
from workflows import messages
from workflows.ports import LEDGER_TROUBLE

PATIENCE = 9.0  # seconds for an answer; a little more than the engine's own
# Refusals whose words tell why, out of other parts of the case than the task at hand.
OF_THE_WHOLE_CASE = (core.ClosedGate, core.LegalOpen, core.NoConsent, core.DoNotNotify)

# -- the way in


async def perform(
    services: Services, caller: Caller, case_ref: str, asked: Doing, idempotency_key: str
) -> Done:
    """Do something to a case and tell what it waits for afterwards.

    `case_ref` is an id or a reference. Raises Problem (404 when the caller may not know the case,
    403, 409 key-reused, 503) or one of the refusals of `domain/errors.py`. Safe to repeat with
    the same key: the first answer comes again, whatever has happened since.
    """
    ready = await run_in_threadpool(let_in, services, caller, case_ref, asked, idempotency_key)
    if isinstance(ready, Done):
        if asked.do == "reopen":
            await services.engine.revive(ready.case)
        await _correct_person(services, ready.case, asked, ready.version)
        return ready
    try:
        answer = await _send(services, ready)
    except (core.Refused, errors.KeyReused, errors.NotFound) as refused:
        await run_in_threadpool(_take_back, services, ready.texts)
        raise as_told(refused, whole=ready.whole) from None
    await _correct_person(services, ready.view.case_id, asked, answer.version)
    done = await visibility.done_when_visible(services, ready.view.case_id, answer.version)
    return done if ready.whole else done.of_a_task()


async def _send(services: Services, ready: Ready) -> messages.Answer:
    if ready.post is not None:
        await _tell_post(services, ready, ready.post)
    answer = await ask(
        services.engine.act(
            ready.view.case_id,
            ready.command,
            key=ready.key,
            content=ready.content,
            ledger_at=ready.ledger_at,
        )
    )
    if answer.content and answer.content != ready.content:
        raise errors.KeyReused
    return answer


def as_told(refused: Exception, *, whole: bool) -> Exception:
    """A refusal as this caller may hear it: what shut a gate is told to those who see the case.

    Court, health and consent are no business of an escort, who needs to know only that it is shut
    (P5, P13 of domain.md 5.2).
    """
    if whole or not isinstance(refused, OF_THE_WHOLE_CASE):
        return refused
    return type(refused)()


def _take_back(services: Services, texts: Texts) -> None:
    """What was surely refused leaves no words behind. Without an answer they stay: it may happen."""
    if not texts.names:
        return
    with transaction(services.database, system("api")) as connection:
        private_texts.take_back(connection, texts.case_id, texts.names, texts.at)


async def ask(asking: Any) -> messages.Answer:
    """Wait for the engine, not for ever; its refusals become problems."""
    try:
        async with asyncio.timeout(PATIENCE):
            answer: messages.Answer = await asking
            return answer
    except ActRefused as refused:
        raise problem_of(refused) from None
    except NoSuchSubject:
        raise errors.NotFound from None
    except (OutcomeUnknown, TimeoutError):
        raise errors.EngineAway(
            "No answer in time. It may still happen; it is safe to send this again "
            "with the same key"
        ) from None
    except EngineError:
        raise errors.EngineAway(
            "The engine is away and nothing was changed; it is safe to send this again "
            "with the same key"
        ) from None


def problem_of(refused: ActRefused) -> Exception:
    """Return the refusal of the core, or of the engine, as something the door answers."""
    known = errors.from_slug(refused.slug, refused.detail)
    if known is not None:
        return known
    if refused.slug == messages.KEY_REUSED:
        return errors.KeyReused()
    if refused.slug in {LEDGER_TROUBLE, messages.BEHIND}:
        return errors.RecordsDisagree()
    return errors.RecordsAway() if refused.slug == messages.BUSY else errors.Unexpected()


async def _tell_post(services: Services, ready: Ready, post: Office) -> None:
    command = command_of("world_post", by="admin", user="", office=post)
    view = ready.view
    # Named by what it changes: however many acts find the post changed, the case hears it once.
    key = keys.keyed(
        services, "post", view.case_id, str(view.version), post.id, post.head, post.deputy
    )
    await ask(services.engine.act(view.case_id, command, key=key))


# -- afterwards


async def _correct_person(services: Services, case_id: str, asked: Doing, version: int) -> None:
    """The record of the person hears of a corrected birth date or sex as well.

    Also when the act is repeated, for the first time may have been cut off just before; never of
    one that has been corrected once more since.
    """
    fact, value = asked.given("fact"), asked.given("value")
    if asked.do != "correct" or fact not in {"born", "sex"} or value is None:
        return
    changed = {"born": _day(value)} if fact == "born" else {"sex": value}

    def correct() -> None:
        with transaction(services.database, system("api")) as connection:
            subjects.lock(connection, case_id)
            known = people.read(connection, case_id)
            if known is not None and not _corrected_since(connection, case_id, fact, version):
                people.keep(connection, case_id, replace(known, **changed))

    await run_in_threadpool(correct)


def _corrected_since(connection: Connection, case_id: str, fact: str | None, version: int) -> bool:
    later = ledger.events_of(connection, case_id)[version:]
    return any(isinstance(event, FactCorrected) and event.fact == fact for event in later)


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
