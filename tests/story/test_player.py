"""The player: what it marks, what it reports, how it ends; and that a broken rung is noticed."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.case.state import Case
from domain.work import ladder
from domain.work.deadlines import Clock
from domain.work.procedure import Procedure
from domain.work.state import Pending
from story.cli import app, play_file
from story.opening import procedure_of
from story.player import Played
from story.report import as_text, lines_of
from story.table import StoryFileError

STORIES = Path(__file__).parent.parent.parent / "stories"
HEAD = """
title = "Short"
opens = 2026-03-02T09:00:00
{top}

[[segment]]
corridor = "{corridor}"

[[person]]
id = "bua"
age = 27
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a story of one adult on her first day, with more tables behind it."""

    def _write(more: str = "", *, top: str = "", corridor: str = "th-la") -> Path:
        file = tmp_path / "short.toml"
        file.write_text(HEAD.format(top=top, corridor=corridor) + more, encoding="utf-8")
        return file

    return _write


def expect(words: str, at: str = "2026-03-02T09:00:00") -> str:
    return f"\n[[expect]]\nat = {at}\n{words}\n"


def never(words: str) -> str:
    return f"\n[[never]]\n{words}\n"


def act(words: str, at: str = "2026-03-02T09:30:00") -> str:
    return f"\n[[act]]\nat = {at}\n{words}\n"


REPORT = act('by = "host.desk"\ndo = "complete"\nstep = "report"\noutcome = "accepted"')


def failures(played: Played) -> str:
    return as_text(played, only_failures=True)


# -- expectations and acts


def test_it_says_what_was_expected_and_what_was_so(write: Write) -> None:
    played = play_file(write(REPORT + expect('step = "report"\ndue = 2026-03-04\nrung = "none"')))
    assert not played.ok
    text = failures(played)
    assert re.search(r"\[\[expect\]\] number 1, line \d+", text)
    assert "due: expected 2026-03-04; so was 2026-03-02" in text
    assert "rung: expected" not in text
    around = [line.split("around: ")[1] for line in text.splitlines() if "around:" in line]
    assert around == [
        "2026-03-02 09:00 report offered to host.desk, due 2026-03-02 13:00",
        "2026-03-02 09:00 message offer (report) to host.desk with reference, step, due",
        "2026-03-02 09:30 host.desk: report is accepted",
    ]


def test_it_looks_after_the_acts_and_timers_of_the_moment(write: Write) -> None:
    due = "2026-03-02T13:00:00"
    late = expect('step = "report"\nrung = "E1"\nlate_days = 0', due)
    assert play_file(write(late)).ok
    in_time = REPORT.replace("2026-03-02T09:30:00", due)
    assert play_file(
        write(in_time + expect('step = "report"\nstate = "done"\nrung = "none"', due))
    ).ok


def test_it_fails_when_an_act_is_refused_unexpectedly(write: Write) -> None:
    wrong = REPORT.replace('"host.desk"', '"host.team"')
    played = play_file(write(wrong))
    assert not played.ok
    assert "refused with not-yours: report is held by host.desk" in failures(played)


def test_it_fails_when_an_act_is_taken_that_must_be_refused(write: Write) -> None:
    played = play_file(write(REPORT + 'refused = "no-consent"\n'))
    assert not played.ok
    assert "was taken, although it had to be refused with no-consent" in failures(played)


def test_it_fails_when_an_act_is_refused_with_another_error(write: Write) -> None:
    wrong = REPORT.replace('"host.desk"', '"host.team"') + 'refused = "no-consent"\n'
    assert "refused with not-yours" in failures(play_file(write(wrong)))


def test_it_takes_the_refusal_that_was_named(write: Write) -> None:
    wrong = REPORT.replace('"host.desk"', '"host.team"') + 'refused = "not-yours"\n'
    played = play_file(write(wrong + expect('step = "report"\nstate = "offered"')))
    assert played.ok, failures(played)


def test_it_waits_within_a_time_for_what_comes_soon(write: Write) -> None:
    soon = expect('step = "report"\nrung = "E1"\nwithin = "5 hours"')
    assert play_file(write(soon)).ok
    assert not play_file(write(soon.replace("5 hours", "3 hours"))).ok


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ('step = "verification"', True),
        ('step = "report"', False),
        ('step = "report"\nrung = "E1"', False),
        ('step = "report"\nrung = "E1"\nuntil = 2026-03-02T12:59:00', True),
        ('step = "report"\nlate_days = 1', False),
        ('step = "report"\nlate_days = 40', True),
        ('message = "rung"\nto = "host.desk.supervisor"', None),
        ('message = "offer"\nto = "host.desk"\nfrom = 2026-03-02T09:01:00', True),
        ('message = "offer"\nto = "host.desk"', False),
        ('message = "any"\ncarries = ["names"]', True),
        ('gate = "consent"\nopen = true', True),
        ('gate = "consent"\nopen = false', False),
        ('case = "closed"', True),
    ],
)
def test_it_watches_what_must_never_be(write: Write, words: str, holds: bool | None) -> None:
    file = write(never(words) + expect('case = "open"', "2026-03-05T12:00:00"))
    if holds is None:  # a made-up supervisor has no name in the file
        with pytest.raises(StoryFileError):
            play_file(file)
        return
    played = play_file(file)
    assert played.ok is holds, failures(played)
    assert holds or "it was so at this moment" in failures(played)


def test_it_says_when_it_was_so_after_all(write: Write) -> None:
    file = write(
        never('step = "report"\nrung = "E2"') + expect('case = "open"', "2026-03-12T12:00:00")
    )
    line = next(line for line in lines_of(play_file(file)) if line.kind == "never")
    assert line.holds is False
    assert line.at == datetime(2026, 3, 9, 6, 0, tzinfo=UTC)


def test_the_words_of_a_reason_stay_outside_the_core(write: Write) -> None:
    hold = act('by = "host.case"\ndo = "hold"\nuntil = 2026-03-20\nreason = "her mother is ill"')
    played = play_file(write(hold))
    assert played.ok, failures(played)
    assert "mother" not in repr(played.histories["bua"].events)
    assert "text-" in repr(played.histories["bua"].events)


# -- exits


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["play", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_it_ends_with_0_when_all_holds(write: Write) -> None:
    code, out, _ = run(
        write(REPORT + expect('step = "report"\nstate = "done"', "2026-03-02T10:00:00"))
    )
    assert code == 0
    assert "  ok  2026-03-02 10:00  expect step report, state done" in out
    assert "ok: 1 expectations, 1 acts and changes" in out


def test_it_ends_with_1_when_something_does_not(write: Write) -> None:
    code, out, _ = run(write(expect('step = "report"\nstate = "done"')))
    assert code == 1
    assert "FAIL  2026-03-02 09:00  expect step report, state done" in out
    assert "state: expected done; so was offered" in out


@pytest.mark.parametrize(
    ("story", "sentence"),
    [
        ({"more": expect('step = "raport"\nstate = "done"')}, 'Did you mean "report"?'),
        ({"top": '[policy]\n"tracing.withn" = "45 days"'}, "policy"),
        ({"top": '[policy]\n"tracing.within" = "45 dais"'}, "45 dais"),
        ({"top": 'rules = "nowhere"'}, "nowhere"),
        ({"corridor": "th-mm"}, "comes later"),
        ({"more": act('by = "host.case"\ndo = "check_in"')}, "comes later"),
    ],
)
def test_it_ends_with_2_when_the_file_is_wrong(
    write: Write, story: dict[str, str], sentence: str
) -> None:
    code, out, err = run(write(**story))
    assert (code, out) == (2, "")
    assert "short.toml" in err
    assert sentence in err


def test_the_worst_of_several_files_decides(write: Write) -> None:
    good = STORIES / "two-officers-at-once.toml"
    assert run(good, write(expect('case = "closed"')))[0] == 1


def test_it_tells_machines_the_same(write: Write) -> None:
    code, out, _ = run("--json", write(REPORT + expect('step = "report"\nstate = "offered"')))
    told: dict[str, Any] = json.loads(out)
    assert (code, told["result"], told["stage"]) == (0, "ok", "core")
    kinds = [line["kind"] for line in told["timeline"]]
    assert kinds.count("act") == 1
    assert kinds.count("expect") == 1
    assert "event" in kinds


# -- policy, rules of one's own, world


def test_a_policy_changes_the_rules_for_this_story(write: Write) -> None:
    file = write(
        expect('step = "report"\ndue = 2026-03-02T11:00:00'),
        top='[policy]\n"report.within" = "2 hours"',
    )
    assert play_file(file).ok


def test_a_post_changes_hands_on_its_day(write: Write) -> None:
    file = write(
        '\n[parties.desk]\nrole = "host.desk"\nhead = "anan"\n'
        '\n[[world]]\nat = 2026-03-02T09:10:00\nparty = "desk"\nhead = "ploy"\nfrom = 2026-03-02T10:00:00\n'
        + REPORT.replace("host.desk", "desk")
        + 'user = "ploy"\nrefused = "not-yours"\n'
        + REPORT.replace("host.desk", "desk").replace("09:30", "10:30")
        + 'user = "ploy"\n'
    )
    played = play_file(file)
    assert played.ok, failures(played)


# -- a broken rung is noticed


BROKEN = STORIES / "s03-lao-girl-tracing-stalls.toml"


def test_a_rung_later_in_the_rules_fails_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*args: Any) -> Procedure:
        procedure = real(*args)
        rungs = tuple(
            replace(r, after=Clock(8, "days")) if r.name == "E2" else r
            for r in procedure.ladders["normal"].rungs
        )
        normal = replace(procedure.ladders["normal"], rungs=rungs)
        return replace(procedure, ladders={**procedure.ladders, "normal": normal})

    real = procedure_of
    monkeypatch.setattr("story.player.procedure_of", later)
    played = play_file(BROKEN)
    assert not played.ok
    assert "next: expected E2 2026-03-30; so was E2 2026-03-31" in failures(played)


def test_a_rung_broken_in_the_core_fails_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    def day_late(*args: Any, **kwargs: Any) -> tuple[Pending, ...]:
        return tuple(
            Pending(p.rung, p.at + timedelta(days=1)) if p.rung == "E3" else p
            for p in real(*args, **kwargs)
        )

    real = ladder.schedule
    monkeypatch.setattr("domain.work.tasks.schedule", day_late)
    assert not play_file(BROKEN).ok


def test_a_rung_that_does_not_fire_fails_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(transition: Any, task: Any, rung: str, at: datetime, *, top: bool = False) -> None:
        if rung != "E2":
            real(transition, task, rung, at, top=top)

    real = ladder.fire
    monkeypatch.setattr("domain.work.wake.fire", silent)
    played = play_file(BROKEN)
    assert not played.ok
    assert isinstance(played.histories["noi"].case, Case)
