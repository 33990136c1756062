"""Forms: what they ask, what was typed, what was wrong with it. It knows no case and sends nothing.

What was typed is given back to the person who typed it, and to nobody else: it is never logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, TypeVar
from uuid import uuid4

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from api import errors
from api.errors import FieldProblem, Problem
from api.requests import without_nothing
from domain import errors as core
from wording import dates
from wording.catalogue import Words

M = TypeVar("M", bound=BaseModel)

URLENCODED = "application/x-www-form-urlencoded"
MOST_FIELDS = 100
KEY = re.compile(r"[0-9a-f-]{36}")
VERSION = re.compile(r"[0-9]{1,9}")
LOCAL_MOMENT = re.compile(r"[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
NAMED = re.compile(r"`([a-z_]+)`")
# Ids in a sentence of the core: the first word, one with signs that words do not have, and a step
# in the three sentences that name one further on.
NAMES = re.compile(
    r"^[a-z]{4,}\b|[a-z0-9]+(?:[-_./][a-z0-9]+)+|(?<=lies before )[a-z]+(?= began)"
    r"|(?<=before the day )[a-z]+(?= was done)|(?<=escalation of )[a-z]+(?= is open)"
)
LISTED = re.compile(r"(?<=is one of ).+|(?<=ends as ).+")  # the answers that there are
WORD = re.compile(r"'?([\w:./-]+)'?")
ABOUT = {core.InTheFuture.slug: "happened", core.UnknownOutcome.slug: "outcome"}
PAGES_OWN = ("key", "version", "by", "next")  # what a page says by itself, beside its questions
# The questions that are answered in people's own words.
WRITTEN = (
    "reason",
    "note",
    "value",
    "purpose",
    "crossing",
    "person.name",
    "person.contact",
    "result.channel",
    "result.evidence",
)
JOINTS = {"line": " / ", "number": " / ", "area": "\n"}  # between two answers to one question
UNSURE = 500  # from this status on nobody knows whether it happened: the key stays


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `name` is the field of the request: `due`, or `result.amount`."""

    name: str
    kind: str  # line area day moment number select radio check password hidden
    label: str
    hint: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    typed: tuple[str, ...] = ()
    problem: str = ""
    autocomplete: str = "off"

    @property
    def value(self) -> str:
        """What was typed, or nothing yet."""
        return self.typed[0] if self.typed else ""


@dataclass(frozen=True, slots=True)
class Form:
    """Some questions and one button. `key` makes sending it twice the same as sending it once."""

    do: str
    title: str
    submit: str
    fields: tuple[Field, ...] = ()
    intro: str = ""
    version: int | None = None
    key: str = ""
    problem: str = ""
    danger: bool = False
    always_open: bool = False

    @property
    def wrong(self) -> tuple[Field, ...]:
        """The fields with something wrong, in their order."""
        return tuple(f for f in self.fields if f.problem)

    @property
    def is_open(self) -> bool:
        """True when it is shown without being asked for."""
        return self.always_open or bool(self.problem)


def new_key() -> str:
    """Return an idempotency key for a form that is shown for the first time."""
    return str(uuid4())


# -- what comes in


@dataclass(frozen=True, slots=True)
class Posted:
    """What a form sent. Its values are never repeated in a log or an address."""

    data: FormData

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, with line ends as everywhere else."""
        found = (value for value in self.data.getlist(name) if isinstance(value, str))
        return tuple(value.replace("\r\n", "\n").strip() for value in found)

    def one(self, name: str) -> str:
        """Return the value of a field, or nothing; `check_once` refuses a second one."""
        found = self.all(name)
        return found[0] if found else ""

    @property
    def do(self) -> str:
        """Which form of the page it was."""
        return self.one("do")

    @property
    def key(self) -> str:
        """The idempotency key; a form without one was not ours, and gets a new one."""
        found = self.one("key")
        return found if KEY.fullmatch(found) else new_key()

    @property
    def version(self) -> int | None:
        """The version of the case that the page showed."""
        found = self.one("version")
        return int(found) if VERSION.fullmatch(found) else None


async def posted(request: Request) -> Posted:
    """Read the form of a request; raises WrongContentType."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != URLENCODED:
        raise errors.WrongContentType
    sent = Posted(await request.form(max_files=0, max_fields=MOST_FIELDS))
    if len(sent.all("do")) > 1:  # nobody knows which form it was
        raise errors.InvalidField(field="do")
    return sent


Sent = Annotated[Posted, Depends(posted)]


# -- from what was typed to what is asked


class WrongFields(errors.InvalidField):
    """Some fields of a form cannot stand; `lines` says what is wrong with each."""

    def __init__(self, lines: tuple[FieldProblem, ...]) -> None:
        """Keep the lines; the first names the field."""
        super().__init__(field=lines[0].field)
        self.lines = lines


class LackingFields(WrongFields):
    """Some questions that need an answer have none."""

    slug = errors.MissingField.slug


def check_once(form: Form, sent: Posted, words: Words) -> None:
    """Refuse a question that was answered twice; raises WrongFields, or InvalidField.

    Two answers are never one: which of them is meant only their writer knows.
    """
    twice = [f for f in form.fields if f.kind != "check" and len(sent.all(f.name)) > 1]
    shown = [f for f in twice if f.kind != "hidden"]
    if shown:
        raise WrongFields(
            tuple(FieldProblem(field=f.name, problem=words("forms.twice")) for f in shown)
        )
    if twice or any(len(sent.all(name)) > 1 for name in PAGES_OWN):
        raise errors.InvalidField(words("forms.broken"))


def read_into(
    model: type[M], form: Form, sent: Posted, words: Words, zone: tzinfo, **more: Any
) -> M:
    """Return what a form asks for as the API's own model; raises WrongFields.

    Moments are typed without a zone: `zone` is the one the page names beside them.
    """
    check_once(form, sent, words)
    lacking = [f for f in form.fields if f.required and not sent.one(f.name)]
    if lacking:
        raise LackingFields(
            tuple(FieldProblem(field=f.name, problem=words("forms.missing")) for f in lacking)
        )
    asked = nested({f.name: _value(f, sent, zone) for f in form.fields})
    more.setdefault("version", sent.version)
    try:
        return model.model_validate({**asked, **without_nothing(more)})
    except ValidationError as wrong:
        _, lines = errors.problems_of(wrong.errors())
        raise WrongFields(tuple(_as_asked(form, line, words) for line in lines)) from None


def _as_asked(form: Form, line: FieldProblem, words: Words) -> FieldProblem:
    """Days and hours are asked for without an offset here, so none is asked for in a refusal."""
    kind = next((f.kind for f in form.fields if f.name == line.field), "")
    if kind not in {"day", "moment"} or "offset" not in line.problem:
        return line
    said = words("forms.day") if kind == "day" else words("forms.moment")
    return FieldProblem(field=line.field, problem=said)


def _value(asked: Field, sent: Posted, zone: tzinfo) -> Any:
    if asked.kind == "check":
        return list(sent.all(asked.name)) or None
    value = sent.one(asked.name)
    if asked.kind == "moment" and LOCAL_MOMENT.fullmatch(value):
        return value + dates.offset(zone, datetime.now(UTC))
    return value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`result.amount` becomes `amount` within `result`; what was left empty is left out.

    Names that begin with `_` are the page's own.
    """
    found: dict[str, Any] = {}
    for name, value in without_nothing(values).items():
        if name.startswith("_"):
            continue
        outer, dot, inner = name.partition(".")
        if dot:
            found.setdefault(outer, {})[inner] = value
        else:
            found[name] = value
    return found


# -- back to whoever typed it


def refilled(form: Form, sent: Posted) -> Form:
    """The form as it was sent."""
    kept = tuple(
        f if f.kind == "password" else replace(f, typed=_typed(f, sent)) for f in form.fields
    )
    return replace(form, fields=kept)


def written(sent: Posted, words: Words) -> tuple[Field, ...]:
    """What somebody wrote, whichever form it was: to be copied, where the form cannot come back."""
    asked = (Field(name, "area", _label(name, words)) for name in WRITTEN if sent.one(name))
    return tuple(replace(f, typed=_typed(f, sent)) for f in asked)


def _label(name: str, words: Words) -> str:
    return words.get(f"fields.{name}") or words(f"fields.{name.rpartition('.')[2]}")


def _typed(asked: Field, sent: Posted) -> tuple[str, ...]:
    """What was typed; two answers in words are both shown, of others the first."""
    values = tuple(dict.fromkeys(sent.all(asked.name)))
    if asked.kind == "check" or len(values) < 2:
        return values
    joint = JOINTS.get(asked.kind)
    return values[:1] if joint is None else (joint.join(values),)


def refused(
    form: Form,
    sent: Posted,
    problem: Problem | core.Refused,
    words: Words,
    name_of: Callable[[str], str] = str,
) -> Form:
    """The form as it was sent, with what is wrong in plain words.

    `name_of` turns ids of steps and offices into what people call them.
    """
    form = refilled(form, sent)
    lines = problem.lines if isinstance(problem, WrongFields) else _line_of(form, problem)
    form = replace(form, fields=tuple(_marked(form, f, lines, name_of) for f in form.fields))
    said = words.get(f"refusals.{problem.slug}", problem.title)
    detail = "" if isinstance(problem, WrongFields) else _plain(form, problem, name_of)
    key = sent.key if problem.status >= UNSURE else new_key()
    return replace(form, problem=f"{said} {detail}".strip(), key=key)


def _line_of(form: Form, problem: Problem | core.Refused) -> tuple[FieldProblem, ...]:
    """The field that a refusal of the core names in its sentence, if the form has it."""
    named = getattr(problem, "field", None) or next(iter(NAMED.findall(problem.detail)), "")
    named = named or ABOUT.get(problem.slug, "")
    found = next((f for f in form.fields if _is(f, named)), None)
    return () if found is None else (FieldProblem(field=found.name, problem=problem.detail),)


def _is(asked: Field, named: str) -> bool:
    return bool(named) and (asked.name == named or asked.name.rpartition(".")[2] == named)


def _marked(
    form: Form, asked: Field, lines: tuple[FieldProblem, ...], name_of: Callable[[str], str]
) -> Field:
    wrong = next((line.problem for line in lines if _is(asked, line.field)), "")
    return replace(asked, problem=_labelled(form, _named(form, wrong, name_of)))


def _plain(form: Form, problem: Problem | core.Refused, name_of: Callable[[str], str]) -> str:
    if problem.detail == problem.title or problem.status >= UNSURE:
        return ""
    said = _labelled(form, _named(form, problem.detail, name_of))
    return said if said.endswith(".") else f"{said}."


def _labelled(form: Form, sentence: str) -> str:
    labels = {f.name.rpartition(".")[2]: f.label for f in form.fields}
    return NAMED.sub(lambda found: f"“{labels.get(found[1], found[1])}”", sentence)


def _named(form: Form, sentence: str, name_of: Callable[[str], str]) -> str:
    """The sentence with titles in the place of ids, as far as the form and `name_of` know them."""
    titles = {o.value: o.label for f in form.fields for o in f.options}
    told = LISTED.search(sentence)
    if told is None:
        return NAMES.sub(lambda found: name_of(found[0]), sentence)
    answers = WORD.sub(lambda found: titles.get(found[1], found[0]), told[0])
    return NAMES.sub(lambda found: name_of(found[0]), sentence[: told.start()]) + answers
