"""The core's records as JSON and back: events, plans, cases, commands, and their digests.

It never looks anything up and never holds what the core does not. Every moment is written in UTC
and fields that hold their default are left out, so the same record always gives the same text.
A default of a stored record is therefore part of the format: changing one needs a new edition.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass, make_dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic import Field as Limits
from pydantic_core import to_json

from domain.kinds import EVENTS, AnyKind, State
from domain.rules.book import digest_of
from domain.work.calendar import Calendar
from domain.work.procedure import Procedure
from workflows.upcasters import FIRST_SHAPE, SHAPE, state_shape, upcast, upcast_state

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")
Shape: TypeAlias = tuple[tuple[str, Callable[[Any], Any], Any], ...]  # name, reader, default

EVENT = "event"  # the key that names an event's class; `kind` is a field of some events
PROCEDURE_DIGEST = "procedure_digest"  # the key of events that name a plan
_PROCEDURES: dict[str, Procedure] = {}
_MOST_PROCEDURES = 256
_AS_IT_IS = (str, int, bool, float, type(None))
_NO_DEFAULT: Any = object()


# -- events


def event_to_json(event: Any) -> Json:
    """Write an event as one flat object; the key `event` names its class."""
    return {EVENT: type(event).__name__, **_encode_record(event)}


def event_from_json(data: Mapping[str, Any]) -> Any:
    """Read an event of any shape; raises ValueError for a class or field no edition knows."""
    body = upcast(dict(data), EVENT)
    name = body.pop(EVENT, None)
    kind = EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"there is no event named {name!r}")
    return _decode(kind, body)


# -- plans


def procedure_to_json(procedure: Procedure) -> Json:
    """Write a plan; the order of its cards is kept."""
    return _encode_record(procedure)


def procedure_from_json(data: Mapping[str, Any]) -> Procedure:
    """Read a plan; raises ValueError for a field this edition does not know."""
    return _decode(Procedure, data)


def one_procedure(digest: str, procedure: Procedure) -> Procedure:
    """The plan read before under this digest, if it is equal: thousands of cases share a few.

    A plan is most of what a case holds in memory, and is never changed.
    """
    known = _PROCEDURES.get(digest)
    if known == procedure:
        return known
    if len(_PROCEDURES) >= _MOST_PROCEDURES:
        _PROCEDURES.clear()
    _PROCEDURES[digest] = procedure
    return procedure


def procedure_digest(procedure: Procedure) -> str:
    """The name of a plan: equal plans, and only those, have the same one."""
    return digest_of(procedure)


# -- states of subjects


def state_to_json(kind: AnyKind, state: State) -> Json:
    """Write a state without its procedures, which are kept once and named by their digests."""
    return {name: part_to_json(part) for name, part in state_parts(kind, state)}


def state_parts(kind: AnyKind, state: State) -> Iterator[tuple[str, Any]]:
    """Name what is kept of a state, in the order in which it is kept."""
    if (shape := state_shape(kind.name)) != FIRST_SHAPE:
        yield SHAPE, shape
    yield from _parts(state, _shape_without_procedures(kind))


def parts_of(record: Any) -> Iterator[tuple[str, Any]]:
    """Name what is kept of any record of the core: fields that differ from their default."""
    kind: Any = type(record)
    yield from _parts(record, _shape(kind))


def _parts(record: Any, shape: Shape) -> Iterator[tuple[str, Any]]:
    for name, read, default in shape:
        value = read(record)
        if default is _NO_DEFAULT or value != default:
            yield name, value


def part_to_json(part: Any) -> Any:
    """Write any part of a record of the core."""
    return _encode(part)


def state_from_json(
    kind: AnyKind, data: Mapping[str, Any], procedures: Mapping[str, Procedure]
) -> Any:
    """Read a state of any shape and give it its procedures back.

    Raises KeyError when its present procedure is missing, ValueError for what no edition knows.
    """
    wanted: Any = _without_procedures(kind, state_shape(kind.name))
    return _with_procedures(kind, _decode(wanted, upcast_state(kind.name, data)), procedures)


def state_from_text(kind: AnyKind, text: str, procedures: Mapping[str, Procedure]) -> Any:
    """The same from the JSON text itself: a long one need not be taken apart twice."""
    wanted: Any = _without_procedures(kind, state_shape(kind.name))
    try:
        known = _adapter(wanted).validate_json(f"[{text}]")[0]
    except ValidationError:  # of an older shape, which its number tells at once; or no state at all
        return state_from_json(kind, json.loads(text), procedures)
    return _with_procedures(kind, known, procedures)


def _with_procedures(kind: AnyKind, known: Any, procedures: Mapping[str, Procedure]) -> Any:
    values = {item.name: getattr(known, item.name) for item in fields(known) if item.name != SHAPE}
    return kind.state(**values, **kind.procedure_values(known, procedures))


# -- calendars


def calendar_to_json(calendar: Calendar) -> Json:
    """Write a country's list of days."""
    return _encode_record(calendar)


def calendar_from_json(data: Mapping[str, Any]) -> Calendar:
    """Read a list of days; raises ValueError for a field this edition does not know."""
    return _decode(Calendar, data)


# -- what is asked of a subject


def command_to_json(command: Any) -> Json:
    """Write a command, with the procedure it carries, if any."""
    return _encode_record(command)


def command_from_json(kind: AnyKind, data: Mapping[str, Any]) -> Any:
    """Read a command; raises ValueError for an act or a field this edition does not know."""
    return _decode(kind.command_type(data), data)


def opening_to_json(opening: Any) -> Json:
    """Write everything a subject starts from, its procedure included."""
    return _encode_record(opening)


def opening_from_json(kind: AnyKind, data: Mapping[str, Any]) -> Any:
    """Read an opening; raises ValueError for a field this edition does not know."""
    return _decode(kind.opening, data)


# -- digests


def canonical(data: Any) -> str:
    """The one text of a JSON value: sorted keys, no blanks, letters as themselves."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(data: Any) -> str:
    """SHA-256 of the canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


# -- how it is done


def _encode(value: Any) -> Any:
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    """How values of a type are written; asked once for each type, for a case holds thousands."""
    if issubclass(kind, _AS_IT_IS):
        return _itself
    if issubclass(kind, datetime):  # before `date`, which it also is
        return _moment
    if issubclass(kind, date | time):
        return _iso
    if issubclass(kind, tuple | list):
        return _list
    if issubclass(kind, Mapping):
        return _mapping
    if is_dataclass(kind):
        return _encode_record
    raise TypeError(f"the core's records hold no {kind.__name__}")


def _itself(value: Any) -> Any:
    return value


def _iso(value: date | time) -> str:
    return value.isoformat()


def _list(value: Iterable[Any]) -> list[Any]:
    return [_encode(item) for item in value]


def _mapping(value: Mapping[Any, Any]) -> Json:
    return {str(key): _encode(item) for key, item in value.items()}


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a moment without an offset cannot be kept")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _encode_record(record: Any) -> Json:
    return {name: _encode(value) for name, value in parts_of(record)}


@cache
def _shape(kind: Any) -> Shape:
    return tuple((f.name, attrgetter(f.name), _default(f)) for f in fields(kind))


@cache
def _shape_without_procedures(kind: AnyKind) -> Shape:
    # Left out before they are written: a procedure is ten times as long as the rest of a case.
    state: Any = kind.state
    return tuple(item for item in _shape(state) if item[0] not in kind.procedure_fields)


def _default(item: Field[Any]) -> Any:
    if item.default is not MISSING:
        return item.default
    return item.default_factory() if item.default_factory is not MISSING else _NO_DEFAULT


def _decode(kind: type[T], data: Mapping[str, Any]) -> T:
    # As JSON text: only there does pydantic tell a date from a moment at midnight.
    wanted: Any = kind
    record: T = _adapter(wanted).validate_json(to_json([data]))[0]
    return record


@cache
def _adapter(kind: Any) -> TypeAdapter[list[Any]]:
    # Inside a list, because a setting reaches the core's plain dataclasses only from around them.
    return TypeAdapter(list[kind], config=ConfigDict(extra="forbid"))


@cache
def _without_procedures(kind: AnyKind, shape: int) -> type[Any]:
    """A state as it is kept in this shape; one that names another is refused."""
    hints = get_type_hints(kind.state)
    this_one: Any = Annotated[int, Limits(ge=shape, le=shape)]
    named = field(default=FIRST_SHAPE) if shape == FIRST_SHAPE else field()
    kept = [
        (SHAPE, this_one, named),
        *(
            (item.name, hints[item.name], _copy_of(item))
            for item in fields(kind.state)
            if item.name not in kind.procedure_fields
        ),
    ]
    name = f"{kind.state.__name__}WithoutProcedures"
    return make_dataclass(name, kept, frozen=True, slots=True, kw_only=True)


def _copy_of(item: Field[Any]) -> Any:
    return field(default=item.default, default_factory=item.default_factory)
