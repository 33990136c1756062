"""The one way in: authorise, seal, send, answer. JSON routes and pages both come through here.

It reads no request and writes no page. Words of people are kept as private texts before the
command leaves; the command only names them, and what the engine is given holds nothing personal.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from activities.errors import ActRefused, EngineError, NoSuchCase, OutcomeUnknown
from api import errors
from api.asked import USED, Asked, unused
from api.deps import House
from api.policy import Caller, permission_of
from api.view.done import Done, done_of
from domain import errors as core
from domain.case import Case, Office
from domain.commands import Command
from domain.events import FactCorrected
from domain.rows import rows_of
from domain.steps.money import AMOUNT, CURRENCY
from records import (
    cases,
    idempotency,
    ledger,
    offices,
    openings,
    people,
    plans,
    private_texts,
    users,
)
from records.cases import CaseView
from records.kept import fold_on
from workflows import messages
from workflows.encoding import canonical
from workflows.ports import LEDGER_TROUBLE

AT_THE_SAME_TIME = 60  # seconds: an act within them after another is a conflict (stories.md 2.7)
PATIENCE = 9.0  # seconds for an answer; a little more than the engine's own
WAIT_FOR_ROWS = 2.0  # seconds
LOOK_EVERY = 0.05

# Fields of a result that the core reads. Whatever else somebody writes there is their own words.
READ_BY_THE_CORE = {"amount": AMOUNT, "currency": CURRENCY}
# Refusals whose words tell why, out of other parts of the case than the task at hand.
OF_THE_WHOLE_CASE = (core.ClosedGate, core.LegalOpen, core.NoConsent, core.DoNotNotify)
OFFICE_FIELDS = ("to", "receiver", "owner", "receiving")


@dataclass(frozen=True, slots=True)
class Ready:
    """An act that was let in, sealed and not yet sent."""

    view: CaseView
    command: Command
    key: str
    content: str
    post: Office | None  # a post that changed hands since the case last heard of it
    texts: _Texts
    whole: bool  # the caller sees the whole case
    ledger_at: int  # where the ledger stood, this key not in it


# -- the way in


async def perform(
    house: House, caller: Caller, case_ref: str, asked: Asked, idempotency_key: str
) -> Done:
    """Do something to a case and tell what it waits for afterwards.

    `case_ref` is an id or a reference. Raises Problem (404 when the caller may not know the case,
    403, 409 key-reused, 503) or one of the refusals of `domain/errors.py`. Safe to repeat with
    the same key: the first answer comes again, whatever has happened since.
    """
    ready = await run_in_threadpool(_let_in, house, caller, case_ref, asked, idempotency_key)
    if isinstance(ready, Done):
        if asked.do == "reopen":
            await house.engine.revive(ready.case)
        await _correct_person(house, ready.case, asked, ready.version)
        return ready
    try:
        answer = await _send(house, ready)
    except (core.Refused, errors.KeyReused, errors.NotFound) as refused:
        await run_in_threadpool(_take_back, house, ready.texts)
        raise as_told(refused, whole=ready.whole) from None
    await _correct_person(house, ready.view.case_id, asked, answer.version)
    done = await done_when_visible(house, ready.view.case_id, answer.version)
    return done if ready.whole else done.of_a_task()


async def _send(house: House, ready: Ready) -> messages.Answer:
    if ready.post is not None:
        await _tell_post(house, ready, ready.post)
    answer = await ask(
        house.engine.act(
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


def _take_back(house: House, texts: _Texts) -> None:
    """What was surely refused leaves no words behind. Without an answer they stay: it may happen."""
    if not texts.names:
        return
    with house.database.begin() as connection:
        private_texts.take_back(connection, texts.case_id, texts.names, texts.at)


async def ask(asking: Any) -> messages.Answer:
    """Wait for the engine, not for ever; its refusals become problems."""
    try:
        async with asyncio.timeout(PATIENCE):
            answer: messages.Answer = await asking
            return answer
    except ActRefused as refused:
        raise problem_of(refused) from None
    except NoSuchCase:
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


async def done_when_visible(house: House, case_id: str, version: int) -> Done:
    """The answer to an act, as soon as the records show it; raises NotVisibleYet."""
    try:
        return await run_in_threadpool(_done, house, case_id, version)
    except errors.NotVisibleYet:
        await wait_for(house, case_id, version)
        return await run_in_threadpool(_done, house, case_id, version)


async def wait_for(house: House, case_id: str, version: int) -> None:
    """Wait until the records show this version; raises NotVisibleYet after two seconds."""
    ends = asyncio.get_running_loop().time() + WAIT_FOR_ROWS
    while await run_in_threadpool(_version_of, house, case_id) < version:
        if asyncio.get_running_loop().time() >= ends:
            raise errors.NotVisibleYet
        await asyncio.sleep(LOOK_EVERY)


# -- keys


def key_of(house: House, user: str, idempotency_key: str) -> str:
    """The name of an act: nobody can make another person's, and it tells nothing."""
    return keyed(house, "act", user, idempotency_key)


def content_of(house: House, *parts: Any) -> str:
    """A digest of what was asked; keyed, so that no name or reason can be guessed from it."""
    return keyed(house, "content", canonical(parts))


def keyed(house: House, *words: str) -> str:
    """Keyed hash of words, in 64 hexadecimal digits."""
    text = "\x1f".join(words).encode()
    return hmac.new(house.hash_key, text, hashlib.sha256).hexdigest()


# -- before: who, what, sealed


def _let_in(
    house: House, caller: Caller, case_ref: str, asked: Asked, idempotency_key: str
) -> Ready | Done:
    with house.database.begin() as connection:
        view = cases.find(connection, case_ref)
        case = None if view is None else cases.folded(connection, view.case_id)
        by = _office(case, asked.by) if asked.by else caller.office
        acting = caller.acting_in(by)
        house.policy.check(acting, permission_of(asked.do))
        if view is None or case is None or not house.policy.reaches(acting, case):
            raise errors.NotFound
        whole = house.policy.sees_case(acting, case)
        _check_fields(asked)
        _check_step(house, acting, case, asked)
        key = key_of(house, caller.user, idempotency_key)
        content = content_of(house, view.case_id, by, _plain(asked))
        ledger_at, is_known = idempotency.look(connection, view.case_id, key)
        known = idempotency.act_of(connection, key) if is_known else None
        if known is not None:
            done = again(connection, known, view.case_id, content)
            return done if whole else done.of_a_task()
        _check_version(case, asked)
        _check_own_question(house, connection, acting, case, asked)
        texts = _Texts(house, view.case_id, house.instant())
        command = _command(house, connection, acting, case, asked, texts)
        post = _changed_post(connection, case, by)
        return Ready(view, command, key, content, post, texts, whole, ledger_at)


def _plain(asked: Asked) -> dict[str, Any]:
    plain: dict[str, Any] = asked.model_dump(mode="json", exclude_none=True, by_alias=True)
    return plain


def again(
    connection: Connection, known: idempotency.Act, case_id: str | None, content: str
) -> Done:
    """The first answer once more; raises KeyReused when something else is asked with its key."""
    if known.content != content or (case_id is not None and known.case_id != case_id):
        raise errors.KeyReused
    return done_at(connection, known.case_id, known.version)


def _command(
    house: House,
    connection: Connection,
    caller: Caller,
    case: Case,
    asked: Asked,
    texts: _Texts,
) -> Command:
    _check_approver(connection, house, case, asked)
    names = {field.name for field in fields(Command)}
    plain = {
        name: value
        for name in type(asked).model_fields
        if name in names and (value := getattr(asked, name)) is not None
    }
    plain |= {name: _office(case, plain[name]) for name in OFFICE_FIELDS if name in plain}
    plain |= {
        name: texts.keep(connection, plain[name]) for name in ("reason", "note") if name in plain
    }
    result = dict(asked.result or {})
    evidence = result.pop("evidence", None)
    command = Command(**{**plain, "do": asked.do, "by": caller.office, "user": caller.user})
    return replace(
        command,
        for_=_office(case, asked.for_) if asked.for_ else "",
        happened_at=asked.happened,
        day=asked.date,
        evidence=texts.keep(connection, evidence) if evidence else "",
        fields={name: _field(texts, connection, name, value) for name, value in result.items()},
        member=True,  # `caller.office` is one of the caller's places, now
        window=AT_THE_SAME_TIME,
        seen=asked.version,
        **_newer_rules(house, connection, case, asked),
    )


def _newer_rules(house: House, connection: Connection, case: Case, asked: Asked) -> dict[str, Any]:
    ready = house.plans.get(case.plan.corridor)
    if asked.do != "adopt_rules" or ready is None:
        return {}
    plans.keep(connection, ready.plan, ready.digest)
    return {"plan": ready.plan, "plan_digest": ready.digest}


def _check_fields(asked: Asked) -> None:
    name = unused(asked)
    if name:
        takes = ", ".join(sorted(USED[asked.do] - {"do"}))
        raise errors.InvalidField(f"`{asked.do}` has no `{name}`; it takes {takes}", field=name)


def _check_step(house: House, caller: Caller, case: Case, asked: Asked) -> None:
    """Of a step that was never theirs nobody hears more than that.

    The core's refusals would tell whether it applies, who holds it, or that a person hides from her
    own state. Which steps a corridor has is no secret.
    """
    step = asked.step
    if step and case.card(step) is not None and not house.policy.reaches(caller, case, step):
        raise core.NotYours("This step is not in the hands of your office")


def _check_version(case: Case, asked: Asked) -> None:
    """A version nobody can have seen would keep nobody from writing over another's act."""
    if asked.version is not None and asked.version > case.version:
        raise errors.InvalidField(
            f"The case stands at version {case.version}; name the one you saw last",
            field="version",
        )


def _check_own_question(
    house: House, connection: Connection, caller: Caller, case: Case, asked: Asked
) -> None:
    """Nobody decides on, or extends, what an office of their own holds (stories.md 4.1, P11).

    The core only knows who heads an office.
    """
    task = case.newest(asked.step) if asked.do in {"decide", "extend"} and asked.step else None
    if task is None or (asked.do == "decide" and caller.office not in task.deciders):
        return
    places = users.memberships_of(connection, caller.user, house.instant())
    if not any(place.office_id == task.holder for place in places):
        return
    if asked.do == "extend":
        raise core.NotYours("Nobody extends what they hold themselves")
    raise core.OwnRequest


def _check_approver(connection: Connection, house: House, case: Case, asked: Asked) -> None:
    """Who approves must be somebody: a user who works in an office of this case."""
    if not asked.approved_by:
        return
    user = users.find(connection, asked.approved_by)
    places = users.memberships_of(connection, asked.approved_by, house.instant())
    if user is None or user.disabled or not any(p.office_id in case.offices for p in places):
        raise errors.InvalidField(
            "`approved_by` is not the id of somebody who works in this case", field="approved_by"
        )


def _office(case: Case | None, word: str) -> str:
    """An office by its id, or by the role it holds in this case."""
    if case is None or word in case.offices:
        return word
    return case.roles.get(word) or word


@dataclass(frozen=True, slots=True)
class _Texts:
    """Keeps the words of people and gives the names that stand for them."""

    house: House
    case_id: str
    at: datetime
    names: list[str] = field(default_factory=list)

    def keep(self, connection: Connection, words: str) -> str:
        """Write a private text; the same words of the same case have the same name."""
        key = self.house.hash_key
        name = private_texts.name_of(key, self.case_id, words)
        if name not in self.names:
            private_texts.keep(connection, key, self.case_id, words, self.at)
            self.names.append(name)
        return name


def _field(texts: _Texts, connection: Connection, name: str, value: str) -> str:
    shape = READ_BY_THE_CORE.get(name)
    return value if shape is not None and shape.fullmatch(value) else texts.keep(connection, value)


# -- posts that changed hands


def _changed_post(connection: Connection, case: Case, office_id: str) -> Office | None:
    """The office as the register knows it now, where the case still believes in somebody else."""
    bound, known = case.offices.get(office_id), offices.find(connection, office_id)
    if bound is None or known is None or not known.head or case.ended:
        return None
    now = replace(bound, head=known.head, deputy=known.deputy, vacant=known.vacant)
    return None if now == bound else now


async def _tell_post(house: House, ready: Ready, post: Office) -> None:
    command = Command(do="world_post", by="admin", user="", office=post)
    view = ready.view
    # Named by what it changes: however many acts find the post changed, the case hears it once.
    key = keyed(house, "post", view.case_id, str(view.version), post.id, post.head, post.deputy)
    await ask(house.engine.act(view.case_id, command, key=key))


# -- afterwards


def _version_of(house: House, case_id: str) -> int:
    with house.database.begin() as connection:
        return cases.version_of(connection, case_id)


def _done(house: House, case_id: str, version: int) -> Done:
    with house.database.begin() as connection:
        return done_at(connection, case_id, version)


async def _correct_person(house: House, case_id: str, asked: Asked, version: int) -> None:
    """The record of the person hears of a corrected birth date or sex as well.

    Also when the act is repeated, for the first time may have been cut off just before; never of
    one that has been corrected once more since.
    """
    if asked.do != "correct" or asked.fact not in {"born", "sex"} or asked.value is None:
        return
    changed = {"born": _day(asked.value)} if asked.fact == "born" else {"sex": asked.value}

    def correct() -> None:
        with house.database.begin() as connection:
            openings.lock(connection, case_id)
            known = people.read(connection, case_id)
            if known is not None and not _corrected_since(connection, case_id, asked.fact, version):
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


def done_at(connection: Connection, case_id: str, version: int) -> Done:
    """What is answered to the act that led to this version, then and whenever it is repeated.

    Raises NotVisibleYet while the records are behind.
    """
    view = cases.find(connection, case_id)
    if view is None:
        raise errors.NotVisibleYet
    if view.version == version:
        return done_of(view, view.reference)
    past = ledger.events_of(connection, case_id)[:version]
    if len(past) != version:
        raise errors.NotVisibleYet
    folded = fold_on(connection, case_id, None, past)
    return done_of(rows_of(folded.case).case, view.reference)
