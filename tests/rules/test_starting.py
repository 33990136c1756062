"""Which steps can never start or be completed, in plans of a few cards."""

from domain.rules.start import steps_that_never_start
from domain.work.procedure import Card, Need
from tests.builders import a_card, a_procedure


def a_step(name: str, *after: str, **changes: tuple[str, ...]) -> Card:
    """A step after all of these; `a or b` is one of two."""
    needs = tuple(Need(tuple(fact.split(" or "))) for fact in after)
    return a_card(name, "host.case", "done", "refused", after=needs, **changes)


def said_of(*cards: Card) -> dict[str, str]:
    return dict(steps_that_never_start(a_procedure(cards={card.id: card for card in cards})))


LOST = a_step("lost", "lost")


def test_it_lets_a_step_be_opened_by_what_follows_it_when_there_is_another_way() -> None:
    assert said_of(a_step("ask", "opening or answer"), a_step("answer", "ask")) == {}


def test_it_names_the_shortest_circle_once_and_at_its_first_card() -> None:
    cards = a_step("a", "c", "b"), a_step("b", "d"), a_step("d", "a"), a_step("c", "a")
    assert said_of(*cards) == {"a.after": "waits for itself: a -> c -> a"}


def test_it_follows_no_step_that_can_start_on_its_own() -> None:
    cards = a_step("later", "ask", "lost"), a_step("ask", "opening or later"), LOST
    assert set(said_of(*cards)) == {"lost.after"}


def test_it_says_what_can_never_be_completed() -> None:
    wants = a_step("wants", "opening", requires=("lost:done",))
    assert said_of(wants, LOST)["wants.requires"].startswith("can never be completed: 'lost:done'")


def test_it_asks_of_two_refusals_that_both_can_happen() -> None:
    wants = a_step("wants", "opening", requires=("refused_twice:ask+lost",))
    assert "wants.requires" in said_of(a_step("ask", "opening"), wants, LOST)


def test_it_leaves_a_misspelt_step_to_the_check_of_facts() -> None:
    wants = a_step("wants", "opening", requires=("refused_twice:ask+aks", "asc"))
    assert said_of(a_step("ask", "opening"), wants, a_step("later", "aks:done")) == {}
