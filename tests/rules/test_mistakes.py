"""Mistakes a writer of rules makes: each is found, and said with file and card."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.rules.cards import Finding
from rulefiles import SHIPPED, check


@dataclass(frozen=True)
class Mistake:
    file: str
    old: str
    new: str
    card: str
    said: str
    field: str = ""
    after: str = ""  # the edit comes behind this text


def behind(name: str) -> str:
    return f'id = "{name}"\n'


ARRIVAL, FAMILY, RETURN = "cards/arrival.toml", "cards/family.toml", "cards/return.toml"
NATION, VERIFY, STAY = "cards/nationality.toml", "cards/verification.toml", "cards/stay.toml"

MISTAKES = {
    "a card without a source": Mistake(
        FAMILY,
        'source = "[LA1] [M2] the request; 3 working days is a proposal (domain.md 2.2 row 9)"\n',
        "",
        "tracing_request",
        "every card needs 'source': a mark of domain.md",
    ),
    "a source that names none": Mistake(
        FAMILY,
        'source = "proposal; no sourced value for Laos (domain.md 2.2 row 11)"',
        'source = "somebody said so"',
        "tracing",
        "names no source",
    ),
    "a party that does not exist": Mistake(
        ARRIVAL,
        'owner = "home.shelter"',
        'owner = "home.sheltr"',
        "placement",
        "'host.sheltr' is no role; did you mean 'host.shelter'?",
    ),
    "an outcome that does not exist": Mistake(
        RETURN,
        'after = ["return_decision:return"]',
        'after = ["return_decision:returns"]',
        "return_plan",
        "has no outcome 'returns'; did you mean 'return'?",
    ),
    "a step that does not exist": Mistake(
        VERIFY,
        'after = ["verification_request:sent"]',
        'after = ["verification_requst:sent"]',
        "verification",
        "neither a step of th-la nor a known fact; did you mean 'verification_request'?",
    ),
    "a key misspelt": Mistake(
        FAMILY,
        'within = "45 days"\nladder',
        'witin = "45 days"\nladder',
        "tracing",
        "nobody reads the key 'witin'; did you mean 'within'?",
    ),
    "a key of an outcome misspelt": Mistake(
        ARRIVAL,
        'offers = ["closure"]',
        'offer = ["closure"]',
        "screening",
        "nobody reads the key 'offer'; did you mean 'offers'?",
    ),
    "a step without a clock": Mistake(
        RETURN,
        'within = "30 days"\n',
        "",
        "return_decision",
        "could wait for ever",
    ),
    "a step without a ladder": Mistake(
        STAY,
        'ladder = "normal"\n',
        "",
        "stay_permit",
        "nobody would hear that it is late",
    ),
    "a ladder that does not exist": Mistake(
        NATION,
        'ladder = "top"',
        'ladder = "topp"',
        "unconfirmed",
        "'topp' is no ladder; did you mean 'top'?",
    ),
    "a ladder on which nobody decides": Mistake(
        "ladders.toml",
        "decides = true",
        "decides = false",
        "top",
        "no rung decides",
        after=behind("top"),
    ),
    "a ladder on which nothing is said of deciding": Mistake(
        "ladders.toml",
        "decides = true\n",
        "",
        "top",
        "no rung decides",
        after=behind("top"),
    ),
    "a rung to nobody known": Mistake(
        "ladders.toml",
        'to = ["committee", "holder.focal"]',
        'to = ["comittee", "holder.focal"]',
        "normal",
        "'comittee' is no role; did you mean 'committee'?",
    ),
    "a share without a field list": Mistake(
        "releases.toml",
        "[lists.verification_request]",
        "[lists.verification_questions]",
        "verification_request",
        "no field list 'verification_request'",
    ),
    "a request that carries no list": Mistake(
        FAMILY,
        'shares = "tracing_request"\ndo_not',
        "do_not",
        "tracing_request",
        "'shares' names no field list",
    ),
    "a circle": Mistake(
        FAMILY,
        'after = ["guardian:appointed"]',
        'after = ["guardian:appointed", "return_decision"]',
        "best_interests",
        "waits for itself: best_interests -> ",
        field="after",
    ),
    "a step nobody can start": Mistake(
        FAMILY,
        'after = ["tracing:not_found"]\n',
        "",
        "second_tracing",
        "never starts",
    ),
    "a duration nobody can read": Mistake(
        ARRIVAL,
        'within = "15 days"',
        'within = "a fortnight"',
        "identification",
        "'a fortnight' is not a duration",
    ),
    "a legal clock in working days": Mistake(
        ARRIVAL,
        'within = "15 days"',
        'within = "15 working days"',
        "identification",
        "cannot count working days",
    ),
    "two cards of one name": Mistake(
        RETURN,
        'id = "bed"',
        'id = "fitness"',
        "fitness",
        "two cards are called 'fitness'",
    ),
    "a gate that no step opens": Mistake(
        "gates.toml",
        'opened_by = ["return_plan:agreed"]',
        'opened_by = ["reintegration_plan:agreed"]',
        "reintegration",
        "no step of th-la opens it",
    ),
    "a question about nationality to the country's own people": Mistake(
        "corridors/la-th.toml",
        'cards = ["arrival",',
        'cards = ["verification", "arrival",',
        "verification",
        "in la-th nobody may",
    ),
    "a calendar without a zone": Mistake(
        "calendars.toml",
        'zone = "+07:00"\n',
        "",
        "VN",
        "needs its zone",
        after='title = "Viet Nam"\n',
    ),
    "a waiver by nobody known": Mistake(
        FAMILY,
        'waivable_by = ["home.committee", "home.focal"]',
        'waivable_by = ["home.comittee", "home.focal"]',
        "tracing_acknowledgement",
        "'host.comittee' is no role",
    ),
    "a word that the corridor leaves open": Mistake(
        ARRIVAL,
        'after = ["{presence}"]',
        'after = ["{presense}"]',
        "screening",
        "'{presense}' is no word of this corridor",
    ),
    "a consent for nothing known": Mistake(
        RETURN,
        'consent = "medical"',
        'consent = "medicine"',
        "bed",
        "'medicine' is no purpose",
    ),
    "an end that leads nowhere": Mistake(
        RETURN,
        '[step.outcomes.third_country]\noffers = ["closure"]',
        "[step.outcomes.third_country]",
        "return_decision",
        "dead end in th-la",
        field="outcomes.third_country",
    ),
    "a person who refuses and is never asked again": Mistake(
        NATION,
        'repeat_after = ["{refusals}"]',
        "repeat_after = []",
        "verification_request",
        "add 'repeat_after'",
    ),
    "a plan that is asked for only once": Mistake(
        RETURN,
        "[step.outcomes.not_agreed]\nagain = true",
        "[step.outcomes.not_agreed]",
        "return_plan",
        "dead end in th-la",
        field="outcomes.not_agreed",
    ),
    "a finding that may stay open for ever": Mistake(
        ARRIVAL,
        "[step.outcomes.undetermined]\nagain = true",
        "[step.outcomes.undetermined]",
        "return_decision",
        "dead end in th-la",
        field="outcomes.return",
    ),
    "an order that nobody is warned of": Mistake(
        STAY,
        'warns = { E0 = "30 days", E3 = "14 days", E5 = "7 days" }\n',
        "",
        "protection_order",
        "neither a clock nor warnings",
    ),
    "an office under nobody": Mistake(
        "offices.toml",
        'under = "la-national"',
        'under = "la-nation"',
        "la-molsw",
        "there is no office 'la-nation'; did you mean 'la-national'?",
    ),
    "a role that no office holds": Mistake(
        "offices.toml",
        'roles = ["escort"]',
        "roles = []",
        "handover",
        "no office of the register is escort in th-la",
    ),
    "an act that nobody knows": Mistake(
        "access.toml",
        "[acts.hold]",
        "[acts.holds]",
        "holds",
        "'holds' is no act; did you mean 'hold'?",
    ),
    "two rungs of one name": Mistake(
        "ladders.toml",
        'name = "E2"',
        'name = "E1"',
        "normal",
        "two rungs are called 'E1'",
    ),
    "two offices of one name": Mistake(
        "offices.toml",
        'id = "th-chiang-rai-case"',
        'id = "th-chiang-rai-desk"',
        "th-chiang-rai-desk",
        "two offices are called 'th-chiang-rai-desk'",
    ),
    "a step without a clock, though it may come early": Mistake(
        STAY,
        'within = "15 working days"\n',
        "",
        "stay_permit",
        "could wait for ever",
        field="within",
    ),
    "a step counted from a planned day that belongs to no plan": Mistake(
        RETURN,
        "dated = true\nat_handover = true",
        "at_handover = true",
        "handover",
        "needs 'dated = true'",
        after=behind("handover"),
    ),
    "a paper that no step gives": Mistake(
        STAY,
        'paper = "stay_permit"',
        'paper = "stay_permits"',
        "stay_permit/renewal",
        "'stay_permits' is no step; did you mean 'stay_permit'?",
    ),
    "a paper that never ends": Mistake(
        STAY,
        'needs = ["valid_until"]',
        "",
        "protection_order/renewal",
        "no outcome of 'protection_order' needs 'valid_until'",
        after="[step.outcomes.made]\n",
    ),
    "a notice without a field list": Mistake(
        "releases.toml",
        "[lists.notice]",
        "[lists.notices]",
        "notice",
        "no field list 'notice'",
        field="outcomes.sent.sends",
    ),
    "a bar asked for as if it were a gate": Mistake(
        "gates.toml",
        'depart = ["consent", ',
        'depart = ["no_bar", "consent", ',
        "no_bar",
        "'no_bar' is no gate",
    ),
    "an office of identity asked about the country's own people": Mistake(
        "corridors/la-th.toml",
        'owner = "origin.province"',
        'owner = "origin.identity"',
        "rescue_request",
        "in la-th nobody may",
    ),
    "a step that confirms the nationality of the country's own people": Mistake(
        "corridors/la-th.toml",
        'child_needs = ["guardian:appointed"]',
        'child_needs = ["guardian:appointed"]\nidentity = ["report"]',
        "",
        "where the country takes its own people back",
        field="identity",
    ),
    "a step that does not exist, in whatever way it ends": Mistake(
        RETURN,
        'any = ["tracing"]',
        'any = ["tracin"]',
        "return_decision",
        "neither a step of th-la nor a known fact; did you mean 'tracing'?",
    ),
    "a word that stands alone, with something behind it": Mistake(
        ARRIVAL,
        'after = ["child"]',
        'after = ["child:girl"]',
        "guardian",
        "'child' stands alone, without ':girl'",
    ),
    "a list with something else than words in it": Mistake(
        FAMILY,
        'waivable_by = ["home.committee", "home.focal"]',
        'waivable_by = ["home.committee", 2]',
        "tracing_acknowledgement",
        "must be a list of words",
        field="waivable_by",
    ),
    "a condition without 'any'": Mistake(
        RETURN,
        '{ any = ["tracing"], when',
        '{ all = ["tracing"], when',
        "return_decision",
        "must be a fact or a table with 'any' and 'when'",
        field="after",
    ),
    "an outcome that names itself": Mistake(
        ARRIVAL,
        "[step.outcomes.told]",
        '[step.outcomes.told]\nname = "told"',
        "rights",
        "nobody reads the key 'name'",
    ),
    "a consent that lasts nobody knows how long": Mistake(
        "releases.toml",
        'lasts = "90 days"',
        'lasts = "for ever"',
        "",
        "'for ever' is not a duration",
        field="consent.lasts",
    ),
    "a bracket forgotten": Mistake(
        "gates.toml",
        "[gate.consent]",
        "[gate.consent",
        "",
        "cannot be read",
    ),
}


def with_mistake(folder: Path, mistake: Mistake) -> list[Finding]:
    """Copy the shipped rules, make the one edit, check."""
    shutil.copytree(SHIPPED, folder / "rules")
    file = folder / "rules" / mistake.file
    text = file.read_text(encoding="utf-8")
    head, found, rest = text.partition(mistake.after) if mistake.after else ("", "", text)
    assert mistake.old in rest, "the edit no longer fits the file"
    file.write_text(head + found + rest.replace(mistake.old, mistake.new, 1), encoding="utf-8")
    return check(folder / "rules")


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_it_names_the_card_and_the_mistake(tmp_path: Path, mistake: Mistake) -> None:
    found = with_mistake(tmp_path, mistake)
    assert any(
        problem.card == mistake.card
        and problem.field.startswith(mistake.field)
        and mistake.said in problem.sentence
        for problem in found
    ), "\n".join(map(str, found)) or "nothing was found"


def test_it_shows_the_shortest_way_to_a_dead_end(tmp_path: Path) -> None:
    found = with_mistake(tmp_path, MISTAKES["an end that leads nowhere"])
    first = next(problem for problem in found if "th-la" in problem.sentence)
    assert first.file == RETURN
    assert first.path[0] == "report:accepted"
    assert first.path[-1] == "return_decision:third_country"
    assert "consent notify_state is given" in first.path or "adult whose" in first.sentence


def test_it_names_each_mistake_once_though_three_corridors_share_the_card(tmp_path: Path) -> None:
    found = with_mistake(tmp_path, MISTAKES["a duration nobody can read"])
    assert len([p for p in found if "fortnight" in p.sentence]) == 1


def test_it_says_which_files_are_missing_or_unread(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "rules")
    (tmp_path / "rules" / "gates.toml").rename(tmp_path / "rules" / "gate.toml")
    found = {(p.file, p.sentence) for p in check(tmp_path / "rules")}
    assert ("gate.toml", "nobody reads this file; did you mean 'gates.toml'?") in found
    assert ("gates.toml", "the file is missing") in found


def test_it_says_that_a_folder_holds_no_rules(tmp_path: Path) -> None:
    assert "there are no rule files" in str(check(tmp_path)[0])


def test_it_survives_values_of_the_wrong_shape(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "rules")
    file = tmp_path / "rules" / "access.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[acts.hold]\n", "[acts]\nhold = 1\n[acts.hold2]\n", 1))
    found = check(tmp_path / "rules")
    assert any("another shape" in problem.sentence for problem in found)
