"""Which facts a card may name, and what is said of any other."""

import pytest

from domain.rules.facts import wrong_with
from tests.builders import a_card, a_procedure

PLAN = a_procedure(a_card("offer", "host.case", "taken", "refused"))


@pytest.mark.parametrize(
    "fact",
    [
        *(
            "opening",
            "handover_planned",
            "no handover_planned",
            "child",
            "adult",
            "bar",
            "no bar",
            "bar:court",
        ),
        *("consent:tracing", "consented:tracing", "flag:witness", "flag:conflict:ngo"),
        *("no flag:witness", "ask", "ask:sent", "answer:found|not_found"),
        *("refused_twice:offer", "refused_twice:offer+offer"),
    ],
)
def test_it_finds_nothing_wrong_with_a_known_fact(fact: str) -> None:
    assert list(wrong_with(fact, PLAN)) == []


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ("opning", "'opning' is neither a step of th-la nor a known fact; did you mean 'opening'?"),
        ("ask:snt", "the step 'ask' has no outcome 'snt'; did you mean 'sent'?"),
        ("answer:found|lost", "the step 'answer' has no outcome 'lost'"),
        ("consent:trace", "'trace' is no purpose"),
        ("consented:", "'' is no purpose"),
        ("flag:withness", "'withness' is no flag; did you mean 'witness'?"),
        ("no flag:x", "'x' is no flag"),
        ("bar:cort", "'cort' is no kind of bar; did you mean 'court'?"),
        ("handover_planned:agreed", "'handover_planned' stands alone, without ':agreed'"),
        ("no bar:court", "'no bar' stands alone, without ':court'"),
        ("refused_twice:offer+offr", "'offr' is neither a step"),
        ("refused_twice:offer+ask", "the step 'ask' has no outcome 'refused'"),
    ],
)
def test_it_says_what_is_wrong_with_any_other(fact: str, said: str) -> None:
    assert any(sentence.startswith(said) for sentence in wrong_with(fact, PLAN))
