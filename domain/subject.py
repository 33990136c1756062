"""What every lasting subject is made of: a state folded from events, acts, a clock, rows to show.

A case is a subject. Whatever else lives for months in the engine and stands in the ledger is
another kind of subject: it names itself here once, and ledger, projector, recovery, reproject and
reconcile serve it without knowing more of it than this page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from domain.work.procedure import Procedure
from domain.work.rows import Marks


class State(Protocol):
    """What the runtime reads of any subject's state: a frozen record of the core."""

    @property
    def id(self) -> str:
        """The subject's id, a UUID."""
        ...

    @property
    def version(self) -> int:
        """How many events are applied."""
        ...

    @property
    def edition(self) -> int:
        """How it behaves: a number of `editions.py`."""
        ...

    @property
    def state(self) -> str:
        """One word for where it stands, told to whoever acts in it."""
        ...

    @property
    def now(self) -> datetime | None:
        """The moment of the newest event; None before the first."""
        ...

    @property
    def ended(self) -> bool:
        """True when nothing can happen until somebody reopens it."""
        ...

    @property
    def procedures(self) -> Mapping[str, Procedure]:
        """Every procedure it has ever followed, by digest. They are kept once, outside the state."""
        ...


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The rows to write after some events, by table, and the primary keys of rows that are gone."""

    written: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    gone: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)


S = TypeVar("S", bound=State)
O = TypeVar("O")  # noqa: E741 - an opening
C = TypeVar("C")  # a command
E = TypeVar("E")  # an event


def _no_procedures(_: Any) -> Mapping[str, Procedure]:
    return {}


def _no_procedure_values(_kept: Any, _procedures: Mapping[str, Procedure]) -> Mapping[str, Any]:
    return {}


def _no_marks(marks: Marks, _before: Any, _after: Any, _event: Any, _seq: int) -> Marks:
    return marks


def _never(_: Any) -> bool:
    return False


def _one_edition(edition: int) -> Any:
    raise ValueError(f"there is no edition {edition} of such a subject to move to")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubjectKind(Generic[S, O, C, E]):
    """One kind of subject: the records it is made of, and the functions that move it.

    The functions are pure. `open` and `advance` tell what happens and raise a `Refused`; `blank` and
    `apply` fold what happened; `next_wake` is when time alone does something; `rows` are what
    projections show.
    """

    name: str  # in workflow ids and in `subjects.kind`
    state: type[S]
    opening: type[O]
    command: type[C]
    events: Mapping[str, type[E]]  # by name, as the ledger names them

    subject_id: Callable[[O], str]
    open: Callable[[O, datetime], tuple[E, ...]]
    blank: Callable[[str, E, Mapping[str, Procedure]], S]  # before this first event
    apply: Callable[[S, E], S]
    advance: Callable[[S, C | None, datetime], tuple[E, ...]]
    next_wake: Callable[[S], datetime | None]
    status: Callable[[S], str]  # the state as people read it

    # What lists and pages show: the tables of `rows`. The first of them has one row for each subject,
    # with its `version`.
    tables: tuple[str, ...] = ()
    rows: Callable[[S | None, S], RowChanges]
    # What only the events tell: `marks_after(marks, before, after, event, seq)`, with the questions
    # still open among `marks` wherever `touches_escalations` says so of an event.
    marks_after: Callable[[Marks, S, S, E, int], Marks] = _no_marks
    touches_escalations: Callable[[E], bool] = _never

    # For kinds that follow procedures: those that an opening or a command brings along; the fields
    # of the state that hold procedures, which are never kept with it; and what these fields are for
    # a state (as it is, or as it was kept, without them) that knows such procedures.
    procedures_of: Callable[[O | C], Mapping[str, Procedure]] = _no_procedures
    procedure_fields: frozenset[str] = frozenset()
    procedure_values: Callable[[Any, Mapping[str, Procedure]], Mapping[str, Any]] = (
        _no_procedure_values
    )

    # The type in which a command is read, told by its `do`; by default `command` itself.
    command_named: Callable[[str], Any] | None = None

    # The command that moves a subject to another edition; ValueError from a kind that has only one.
    to_edition: Callable[[int], C] = _one_edition

    def command_type(self, told: Mapping[str, Any]) -> Any:
        """The type of a command told as JSON; raises ValueError for an act nobody knows."""
        if self.command_named is None:
            return self.command
        return self.command_named(str(told.get("do")))

    def fold(self, state: S, events: Iterable[E]) -> S:
        """The state after all of `events`."""
        for event in events:
            state = self.apply(state, event)
        return state

    def knowing(self, state: S, more: Mapping[str, Procedure]) -> S:
        """The state with these procedures besides those that it knows."""
        if all(digest in state.procedures for digest in more):
            return state
        record: Any = state
        values = self.procedure_values(state, {**state.procedures, **more})
        changed: S = replace(record, **values)
        return changed


AnyKind: TypeAlias = SubjectKind[Any, Any, Any, Any]

KINDS: dict[str, AnyKind] = {}
EVENTS: dict[str, type[Any]] = {}  # of every kind; kinds may share events, not names


def register(kind: SubjectKind[S, O, C, E]) -> SubjectKind[S, O, C, E]:
    """Make a kind known by its name; raises ValueError where a name is taken."""
    if kind.name in KINDS:
        raise ValueError(f"there are two kinds of subject named {kind.name}")
    for name, event in kind.events.items():
        if EVENTS.get(name, event) is not event:
            raise ValueError(f"there are two events named {name}")
    EVENTS.update(kind.events)
    KINDS[kind.name] = kind
    return kind


def kind_named(name: str) -> AnyKind:
    """Return a kind; raises ValueError for one this program does not know."""
    found = KINDS.get(name)
    if found is None:
        raise ValueError(f"this program knows no kind of subject named {name!r}")
    return found


def procedure_named(event: Any) -> str:
    """The digest of the procedure that an event names in `procedure_digest`; else empty."""
    return str(getattr(event, "procedure_digest", ""))
