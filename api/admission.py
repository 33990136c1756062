"""Makes an act ready to be sent: who asks it, whether they may, their words sealed.

Words of people are kept as private texts before the command leaves; the command only names them, and
what the engine is given holds nothing personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from activities.broadcasts import people_of
from api import errors, keys, visibility
from api.deps import Services
from api.json.schemas.done import Done
from api.policy import Caller, permission_of
from api.requests import ACTS, USED, Doing, unused
from api.world import check_crossing
from domain import errors as core
from domain.act import AnyCommand, keys_of
from domain.case import steps
from domain.case.acts.world import with_people_of
from domain.case.core import command_of
from domain.case.state import Case
from domain.work.state import Office
from records import cases, idempotency, private_texts, procedures, users
from records.cases import CaseView
from records.session import transaction

AT_THE_SAME_TIME = 60  # seconds: an act within them after another is a conflict (stories.md 2.7)


@dataclass(frozen=True, slots=True)
class Ready:
    """An act that was let in, sealed and not yet sent."""

    view: CaseView
    command: AnyCommand
    key: str
    content: str
    post: Office | None  # a post that changed hands since the case last heard of it
    texts: Texts
    whole: bool  # the caller sees the whole case
    ledger_at: int  # where the ledger stood, this key not in it


def let_in(
    services: Services, caller: Caller, case_ref: str, asked: Doing, idempotency_key: str
) -> Ready | Done:
    """Check who asks and what, and keep their words; an act that was done before gets its answer.

    Raises Problem, or a refusal of the core that needs no engine.
    """
    with transaction(services.database, caller.actor) as connection:
        view = cases.find(connection, case_ref)
        case = None if view is None else cases.folded(connection, view.case_id)
        by = _office(case, asked.by) if asked.by else caller.office
        acting = caller.acting_in(by)
        services.policy.check(acting, permission_of(asked.do))
        if view is None or case is None or not services.policy.reaches(acting, case):
            raise errors.NotFound
        whole = services.policy.sees_case(acting, case)
        _check_fields(asked)
        if asked.do == "plan_handover" and asked.given("crossing"):
            check_crossing(services.rulebook, case.procedure.corridor, asked.given("crossing"))
        _check_step(services, acting, case, asked)
        key = keys.key_of(services, caller.user, idempotency_key)
        content = keys.content_of(services, view.case_id, by, _plain(asked))
        ledger_at, is_known = idempotency.look(connection, view.case_id, key)
        known = idempotency.act_of(connection, key) if is_known else None
        if known is not None:
            done = visibility.again(connection, known, view.case_id, content)
            return done if whole else done.of_a_task()
        _check_version(case, asked)
        _check_own_question(services, connection, acting, case, asked)
        texts = Texts(services, view.case_id, services.instant())
        command = _command(services, connection, acting, case, asked, texts)
        post = _changed_post(services, connection, case, by)
        return Ready(view, command, key, content, post, texts, whole, ledger_at)


def _plain(asked: Doing) -> dict[str, Any]:
    plain: dict[str, Any] = asked.model_dump(mode="json", exclude_none=True, by_alias=True)
    return plain


def _command(
    services: Services,
    connection: Connection,
    caller: Caller,
    case: Case,
    asked: Doing,
    texts: Texts,
) -> AnyCommand:
    _check_approver(connection, services, case, asked)
    said = _said(connection, case, asked, texts)
    reason = asked.given("reason")
    return command_of(
        asked.do,
        by=caller.office,
        user=caller.user,
        for_=_office(case, asked.for_) if asked.for_ else "",
        happened_at=asked.happened,
        reason=texts.keep(connection, reason) if reason else "",
        member=True,  # `caller.office` is one of the caller's places, now
        window=AT_THE_SAME_TIME,
        seen=asked.version,
        **said,
        **_newer_rules(services, connection, case, asked),
    )


def _said(connection: Connection, case: Case, asked: Doing, texts: Texts) -> dict[str, Any]:
    """The act's own fields as the core takes them: offices by id, free words by name."""
    act = ACTS[asked.do]
    kinds = act.kinds
    said: dict[str, Any] = {}
    for name, key in keys_of(act.takes).items():
        value = asked.given(key)
        if value is None:
            continue
        if kinds[key] == "office":
            value = _office(case, value)
        elif kinds[key] == "text":
            value = texts.keep(connection, value)
        elif kinds[key] == "result":
            said |= _result(connection, value, texts)
            continue
        said[name] = value
    return said


def _result(connection: Connection, given: Mapping[str, str], texts: Texts) -> dict[str, Any]:
    """The fields of a kind of step; whatever the core does not read is somebody's own words."""
    result = dict(given)
    evidence = result.pop("evidence", None)
    return {
        "result": {name: _field(texts, connection, name, value) for name, value in result.items()},
        "evidence": texts.keep(connection, evidence) if evidence else "",
    }


def _newer_rules(
    services: Services, connection: Connection, case: Case, asked: Doing
) -> dict[str, Any]:
    ready = services.procedures.get(case.procedure.corridor)
    if asked.do != "adopt_rules" or ready is None:
        return {}
    procedures.keep(connection, ready.procedure, ready.digest)
    return {"procedure": ready.procedure, "procedure_digest": ready.digest}


def _check_fields(asked: Doing) -> None:
    name = unused(asked)
    if name:
        takes = ", ".join(sorted(word.rstrip("_") for word in USED[asked.do] - {"do"}))
        raise errors.InvalidField(f"`{asked.do}` has no `{name}`; it takes {takes}", field=name)


def _check_step(services: Services, caller: Caller, case: Case, asked: Doing) -> None:
    """Of a step that was never theirs nobody hears more than that.

    The core's refusals would tell whether it applies, who holds it, or that a person hides from her
    own state. Which steps a corridor has is no secret.
    """
    step = asked.given("step")
    if step and case.card(step) is not None and not services.policy.reaches(caller, case, step):
        raise core.NotYours("This step is not in the hands of your office")


def _check_version(case: Case, asked: Doing) -> None:
    """A version nobody can have seen would keep nobody from writing over another's act."""
    if asked.version is not None and asked.version > case.version:
        raise errors.InvalidField(
            f"The case stands at version {case.version}; name the one you saw last",
            field="version",
        )


def _check_own_question(
    services: Services, connection: Connection, caller: Caller, case: Case, asked: Doing
) -> None:
    """Nobody decides on, or extends, what an office of their own holds (stories.md 4.1, P11).

    The core only knows who heads an office.
    """
    step = asked.given("step") if asked.do in {"decide", "extend"} else None
    task = case.work.newest(step) if step else None
    if task is None or (asked.do == "decide" and caller.office not in task.deciders):
        return
    places = users.memberships_of(connection, caller.user, services.instant())
    if not any(place.office_id == task.holder for place in places):
        return
    if asked.do == "extend":
        raise core.NotYours("Nobody extends what they hold themselves")
    raise core.OwnRequest


def _check_approver(connection: Connection, services: Services, case: Case, asked: Doing) -> None:
    """Who approves must be somebody: a user who works in an office of this case."""
    approver = asked.given("approved_by")
    if not approver:
        return
    user = users.find(connection, approver)
    places = users.memberships_of(connection, approver, services.instant())
    if user is None or user.disabled or not any(p.office_id in case.work.offices for p in places):
        raise errors.InvalidField(
            "`approved_by` is not the id of somebody who works in this case", field="approved_by"
        )


def _office(case: Case | None, word: str) -> str:
    """An office by its id, or by the role it holds in this case."""
    if case is None or word in case.work.offices:
        return word
    return case.work.roles.get(word) or word


@dataclass(frozen=True, slots=True)
class Texts:
    """Keeps the words of people and gives the names that stand for them."""

    services: Services
    case_id: str
    at: datetime
    names: list[str] = field(default_factory=list)

    def keep(self, connection: Connection, words: str) -> str:
        """Write a private text; the same words of the same case have the same name."""
        key = self.services.hash_key
        name = private_texts.name_of(key, self.case_id, words)
        if name not in self.names:
            private_texts.keep(connection, key, self.case_id, words, self.at)
            self.names.append(name)
        return name


def _field(texts: Texts, connection: Connection, name: str, value: str) -> str:
    shape = steps.RESULT.get(name)
    return value if shape is not None and shape.fullmatch(value) else texts.keep(connection, value)


# -- posts that changed hands


def _changed_post(
    services: Services, connection: Connection, case: Case, office_id: str
) -> Office | None:
    """The office with those who hold its posts now, where the case has not heard of it yet.

    A broadcast tells every case within seconds; this is for whoever acts before it came by.
    """
    bound = case.work.offices.get(office_id)
    if bound is None or case.ended:
        return None
    now = with_people_of(bound, people_of(connection, office_id, services.instant()))
    return None if now == bound else now
