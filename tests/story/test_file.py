"""Story files: good ones are read as written, and each kind of mistake is told in a sentence."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest

from story import words
from story.file import Added, Story, StoryFileError, comes_later, read_story, split_step

STORIES = sorted((Path(__file__).parents[2] / "stories").glob("*.toml"))
BANGKOK = timezone(timedelta(hours=7))

TOP = 'title = "A story"\nopens = 2026-02-03T09:00:00\n'
SEGMENT = '[[segment]]\ncorridor = "th-la"\n'
PERSON = '[[person]]\nid = "noi"\nage = 30\n'
ACT = '[[act]]\nat = 2026-02-04T10:00:00\nby = "host.case"\n'
EXPECT = "[[expect]]\nat = 2026-02-04T10:00:00\n"
WORLD = "[[world]]\nat = 2026-02-04T10:00:00\n"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "story.toml"


def read(path: Path, *parts: str, added: Added | None = None) -> Story:
    path.write_text("\n".join(parts), encoding="utf-8")
    return read_story(path, (lambda _: added) if added else None)


def read_with(path: Path, *tables: str) -> Story:
    return read(path, TOP, SEGMENT, PERSON, *tables)


def mistake(path: Path, *parts: str) -> StoryFileError:
    with pytest.raises(StoryFileError) as caught:
        read(path, *parts)
    return caught.value


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_it_reads_every_story_of_the_house(path: Path) -> None:
    story = read_story(path)
    assert story.acts
    assert story.expects
    assert comes_later(story) is None


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_it_keeps_acts_and_expectations_of_the_house_in_order_of_time(path: Path) -> None:
    story = read_story(path)
    acts = [act.at for act in story.acts]
    looks = [expect.at for expect in story.expects]
    assert acts == sorted(acts)
    assert looks == sorted(looks)


def test_it_has_the_stories_that_were_promised() -> None:
    names = {path.stem for path in STORIES}
    assert {
        "s01-thai-adult-from-a-lao-zone",
        "s03-lao-girl-tracing-stalls",
        "s05-verification-over-tet",
        "s09-consent-withdrawn",
        "s12-no-feedback-after-return",
        "a-stall-the-committee-decides",
        "answered-in-time-recorded-late",
        "two-officers-at-once",
    } <= names


def test_it_gives_naive_moments_the_zone_of_the_file(written: Path) -> None:
    story = read(written, TOP + 'zone = "+06:30"\n', SEGMENT, PERSON)
    assert story.opens == datetime(2026, 2, 3, 9, tzinfo=timezone(timedelta(hours=6, minutes=30)))


def test_it_counts_plus_seven_without_a_zone_and_keeps_offsets_that_are_there(
    written: Path,
) -> None:
    story = read_with(
        written, '[[act]]\nat = 2026-02-03T05:00:00Z\nby = "host.case"\ndo = "resume"'
    )
    assert story.opens.utcoffset() == timedelta(hours=7)
    assert story.acts[0].at == datetime(2026, 2, 3, 5, tzinfo=UTC)


def test_it_keeps_a_date_a_date_and_makes_a_moment_aware(written: Path) -> None:
    story = read_with(
        written,
        ACT + 'do = "hold"\nreason = "ill"\nuntil = 2026-03-02',
        ACT + 'do = "plan_handover"\ndate = 2026-03-02T10:00:00',
        EXPECT + 'step = "report"\ndue = 2026-02-03',
    )
    assert story.acts[0].until == date(2026, 3, 2)
    assert type(story.acts[0].until) is date
    assert story.acts[1].date == datetime(2026, 3, 2, 10, tzinfo=BANGKOK)
    assert type(story.expects[0].words["due"]) is date


def test_it_remembers_number_and_line_of_every_act(written: Path) -> None:
    story = read_with(written, ACT + 'do = "resume"', ACT + 'do = "reopen"')
    text = written.read_text().splitlines()
    assert [act.number for act in story.acts] == [1, 2]
    assert [text[act.line - 1] for act in story.acts] == ["[[act]]", "[[act]]"]
    assert story.acts[1].place == f"[[act]] number 2, line {story.acts[1].line}"


def test_it_counts_out_people_with_at_least_two_digits(written: Path) -> None:
    story = read(written, TOP, SEGMENT, '[[person]]\nid = "p"\ncount = 9\nage = 30\nbatch = "b1"')
    assert [person.id for person in story.persons] == [f"p-0{n}" for n in range(1, 10)]
    more = read(written, TOP, SEGMENT, '[[person]]\nid = "p"\ncount = 100\nage = "unknown"')
    assert more.persons[0].id == "p-001"
    assert more.persons[-1].id == "p-100"
    assert more.persons[0].age == "unknown"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ('who = "a"', ("a",)),
        ('who = ["b", "a"]', ("b", "a")),
        ('who = "batch:b1"', ("b",)),
        ('who = "all"', ("a", "b")),
    ],
)
def test_it_finds_whom_an_act_is_about(written: Path, who: str, expected: tuple[str, ...]) -> None:
    people = '[[person]]\nid = "a"\nage = 30\n[[person]]\nid = "b"\nage = 30\nbatch = "b1"\n'
    story = read(written, TOP, SEGMENT, people, ACT + f'do = "resume"\n{who}')
    assert story.acts[0].who == expected


def test_it_means_the_only_person_when_nobody_is_named(written: Path) -> None:
    story = read_with(written, ACT + 'do = "resume"', EXPECT + 'case = "open"')
    assert story.acts[0].who == ("noi",)
    assert story.expects[0].who == ("noi",)
    assert not story.expects[0].who_given


def test_it_reads_policy_calendars_parties_and_rules(written: Path) -> None:
    story = read(
        written,
        TOP + 'rules = "../draft"\n[policy]\n"tracing.within" = "10 days"',
        '"follow_up/1m.within" = "2 months"',
        "[calendars.LA]\noff = [2026-04-14]\non = [2026-08-22]",
        'closes = "16:00"\n[calendars.VN]\nuse = "shipped"',
        '[parties.desk]\nrole = "host.case"\nhead = "anan"\nunder = "boss"',
        '[parties.boss]\nrole = "host.province"\nvacant = true',
        SEGMENT,
        PERSON,
    )
    assert story.policy == {"tracing.within": "10 days", "follow_up/1m.within": "2 months"}
    assert story.calendars["LA"].off == (date(2026, 4, 14),)
    assert story.calendars["LA"].on == (date(2026, 8, 22),)
    assert story.calendars["LA"].closes == time(16, 0)
    assert story.calendars["VN"].use_shipped
    assert story.parties["desk"].under == "boss"
    assert story.parties["boss"].vacant
    assert story.rules == (written.parent.parent / "draft").resolve()


def test_it_reads_the_world(written: Path) -> None:
    story = read_with(
        written,
        WORLD + 'by = "admin"\ncalendar = "VN"\noff = [2026-02-16]',
        WORLD + 'crossing = "mae-sai"\nstatus = "closed"',
        WORLD + 'party = "host.case"\nhead = "ploy"\nfrom = 2026-10-01T00:00:00',
        WORLD + 'party = "host.case"\nexcluded = "noi"',
        WORLD + 'rules = "rules-2027"',
    )
    assert [one.about for one in story.worlds] == [
        "calendar",
        "crossing",
        "party",
        "party",
        "rules",
    ]
    assert story.worlds[1].status == "closed"
    assert story.worlds[2].from_ == datetime(2026, 10, 1, tzinfo=BANGKOK)
    assert story.worlds[3].excluded == "noi"


def test_it_reads_what_must_never_be_between_two_days(written: Path) -> None:
    story = read_with(
        written, '[[never]]\nstep = "verification"\nfrom = 2026-03-01\nuntil = 2026-03-31'
    )
    never = story.nevers[0]
    assert never.words == {"step": "verification"}
    assert never.from_ == datetime(2026, 3, 1, tzinfo=BANGKOK)
    assert never.until == datetime(2026, 3, 31, 23, 59, 59, tzinfo=BANGKOK)


def test_it_gives_words_that_may_be_several_always_as_several(written: Path) -> None:
    story = read_with(
        written,
        EXPECT + 'step = "tracing"\nrung = "E2"\nto = "host.committee"\nwithin = "1 minutes"',
        EXPECT + 'sentence_has = ["tracing", "Laos"]\nforecast = ["tracing E2 2026-03-30"]',
    )
    assert story.expects[0].words["to"] == ("host.committee",)
    assert story.expects[0].within == timedelta(minutes=1)
    assert list(story.expects[1].words) == ["sentence_has", "forecast"]


@pytest.mark.parametrize("step", ["tracing", "th-la/tracing", "follow_up/24m", "feedback/1m"])
def test_it_takes_steps_with_and_without_their_segment(written: Path, step: str) -> None:
    story = read_with(written, EXPECT + f'step = "{step}"\nstate = "waiting"')
    assert story.expects[0].words["step"] == step


@pytest.mark.parametrize(
    ("step", "parts"),
    [
        ("th-la/tracing", ("th-la", "tracing")),
        ("transit/notice", ("transit", "notice")),
        ("allowance/compensation/request", ("", "allowance/compensation/request")),
        ("th-la/follow_up/1m", ("th-la", "follow_up/1m")),
    ],
)
def test_it_splits_the_segment_from_a_step(step: str, parts: tuple[str, str]) -> None:
    assert split_step(step) == parts


@pytest.mark.parametrize(
    "act",
    [
        'do = "complete"\nstep = "follow_up/2m"\noutcome = "safe"\nrefused = "unknown-step"',
        'do = "complete"\nstep = "tracing"\noutcome = "maybe"\nrefused = "unknown-outcome"',
        'do = "decline"\nstep = "needs"\nrefused = "missing-field"',
        'do = "consent"\npurpose = "everything"\nrefused = "invalid-field"',
    ],
)
def test_it_lets_an_act_be_wrong_that_must_be_refused_for_it(written: Path, act: str) -> None:
    assert read_with(written, ACT + act).acts[0].refused


@pytest.mark.parametrize("corridor", [c for c in words.CORRIDORS if "dist" not in c and "-" in c])
def test_it_reads_every_corridor(written: Path, corridor: str) -> None:
    story = read(written, TOP, f'[[segment]]\ncorridor = "{corridor}"', PERSON)
    assert story.segments[0].corridor == corridor


def test_it_takes_the_words_a_rulebook_adds(written: Path) -> None:
    added = Added(steps={"home_visit": ("done",), "report": ("lost",)}, errors=("too-tired",))
    visit = ACT + 'do = "complete"\nstep = "home_visit"\noutcome = "done"\nrefused = "too-tired"'
    lost = ACT + 'do = "complete"\nstep = "report"\noutcome = "lost"'
    story = read(written, TOP, SEGMENT, PERSON, visit, lost, added=added)
    assert story.acts[0].step == "home_visit"
    with pytest.raises(StoryFileError, match="too-tired"):
        read_with(written, visit)


def test_it_ends_with_the_last_moment_the_file_speaks_of(written: Path) -> None:
    late = "[[expect]]\nat = 2026-05-01T10:00:00\n" + 'case = "open"\nwithin = "2 hours"'
    assert read_with(written, late).last_moment == datetime(2026, 5, 1, 12, tzinfo=BANGKOK)


BASE = (TOP, SEGMENT, PERSON)
MISTAKES = [
    # the file
    ((TOP + "[[act",), "", "is not TOML"),
    ((SEGMENT, PERSON), "title", "is missing"),
    (('title = "x"', SEGMENT, PERSON), "opens", "is missing"),
    ((TOP + 'tilte = "x"', SEGMENT, PERSON), "tilte", 'Did you mean "title"'),
    (('title = "x"\nopens = 2026-02-03', SEGMENT, PERSON), "opens", "must be a moment like"),
    ((TOP + 'zone = "Bangkok"', SEGMENT, PERSON), "zone", 'like "+07:00"'),
    ((TOP, PERSON), "segment", "is missing"),
    ((TOP, SEGMENT), "person", "at least one"),
    ((TOP + "[person]\nid = 1", SEGMENT), "person", "[[person]]"),
    ((TOP + '[policy]\nwithin = "2 days"', SEGMENT, PERSON), "within", "a step and a field"),
    ((TOP + "[calendars.laos]\noff = []", SEGMENT, PERSON), "calendars.laos", "capital letters"),
    ((TOP + '[calendars.LA]\noff = ["x"]', SEGMENT, PERSON), "off", "list of dates"),
    ((TOP + '[calendars.LA]\ncloses = "4 pm"', SEGMENT, PERSON), "closes", "an hour like"),
    (
        (TOP + '[calendars.LA]\nuse = "shipped"\noff = []', SEGMENT, PERSON),
        "off",
        "cannot stand beside",
    ),
    # segments, persons, parties
    ((TOP, '[[segment]]\ncorridor = "th-lo"', PERSON), "corridor", 'Did you mean "th-la"'),
    ((TOP, '[[segment]]\ncorridor = "transit"', PERSON), "country", "names its country"),
    ((TOP, SEGMENT + 'country = "CN"', PERSON), "country", "transit"),
    ((TOP, SEGMENT, '[[person]]\nid = "a"'), "born", "one of the two"),
    ((TOP, SEGMENT, '[[person]]\nid = "a"\nage = "old"'), "age", '"unknown"'),
    ((TOP, SEGMENT, '[[person]]\nid = "a"\nage = 3\nflags = ["sad"]'), "flags", "no flag"),
    ((TOP, SEGMENT, PERSON, PERSON), "id", "there already"),
    ((TOP + '[parties.x]\nrole = "host.boss"', SEGMENT, PERSON), "role", "no party or role"),
    ((TOP + '[parties.x]\nname = "y"', SEGMENT, PERSON), "role", "is missing"),
    (
        (TOP + '[parties.x]\nrole = "host.case"\nunder = "y"', SEGMENT, PERSON),
        "under",
        "no party or role",
    ),
    (
        (TOP + '[parties.x]\nrole = "host.case"\nvacant = true\nhead = "y"', SEGMENT, PERSON),
        "vacant",
        "beside a head",
    ),
    # acts
    ((*BASE, ACT + 'do = "dance"'), "do", "no act here"),
    ((*BASE, ACT), "do", "is missing"),
    ((*BASE, '[[act]]\nby = "host.case"\ndo = "resume"'), "at", "is missing"),
    (
        (*BASE, ACT.replace("02-04", "01-04") + 'do = "resume"'),
        "at",
        "before the story opens",
    ),
    ((*BASE, ACT.replace("host.case", "host.csae") + 'do = "resume"'), "by", '"host.case"'),
    ((*BASE, ACT + 'do = "resume"\nwho = "moi"'), "who", "no person here"),
    ((*BASE, ACT + 'do = "resume"\nwho = "batch:b9"'), "who", "no batch here"),
    ((*BASE, '[[person]]\nid = "b"\nage = 3', ACT + 'do = "resume"'), "who", "several persons"),
    ((*BASE, ACT + 'do = "accept"\nstep = "trcing"'), "step", 'Did you mean "tracing"'),
    ((*BASE, ACT + 'do = "accept"\nstep = "my-mm/tracing"'), "step", "no segment here"),
    (
        (*BASE, ACT + 'do = "complete"\nstep = "tracing"\noutcome = "found"'),
        "outcome",
        "no outcome of tracing",
    ),
    ((*BASE, ACT + 'do = "complete"\nstep = "tracing"'), "outcome", "is missing"),
    ((*BASE, ACT + 'do = "hold"\nreason = "x"'), "until", "is missing"),
    ((*BASE, ACT + 'do = "resume"\ndue = 2026-03-01'), "due", 'does not belong to "resume"'),
    ((*BASE, ACT + 'do = "resume"\nstpe = "x"'), "stpe", 'Did you mean "step"'),
    ((*BASE, ACT + 'do = "resume"\nrefused = "no"'), "refused", "no error here"),
    ((*BASE, ACT + 'do = "consent"\npurpose = "photos"'), "purpose", 'Did you mean "photo"'),
    ((*BASE, ACT + 'do = "alarm"\nstep = "needs"\nkind = "witness"'), "kind", "in_danger"),
    ((*BASE, ACT + 'do = "flag"\nflag = "conflict:nobody"'), "flag", "no party or role"),
    (
        (*BASE, ACT + 'do = "decide"\nstep = "needs"\ndecision = "extend"\nreason = "x"'),
        "due",
        "is missing",
    ),
    (
        (*BASE, ACT + 'do = "extend"\nstep = "needs"\nreason = "x"\ndue = "soon"'),
        "due",
        "must be a date",
    ),
    # world and disturbances
    ((*BASE, WORLD), "", "exactly one of"),
    ((*BASE, WORLD + 'crossing = "x"\ncalendar = "LA"\noff = []'), "", "exactly one of"),
    ((*BASE, WORLD + 'crossing = "x"\nstatus = "gone"'), "status", "no status"),
    ((*BASE, WORLD + 'crossing = "x"\noff = []'), "off", "does not belong to crossing"),
    ((*BASE, WORLD + 'calendar = "LA"'), "off", "brings off"),
    ((*BASE, WORLD + 'party = "host.case"\nexcluded = "moi"'), "excluded", "no person"),
    (
        (*BASE, '[[disturb]]\nat = 2026-03-01T00:00:00\ndo = "kill all"'),
        "do",
        "kill worker",
    ),
    # expectations
    ((*BASE, EXPECT), "", "expects nothing"),
    ((*BASE, EXPECT + 'step = "report"'), "", "expects nothing of it"),
    ((*BASE, EXPECT + 'gate = "legal"'), "", "open = true or false"),
    ((*BASE, EXPECT + 'rung = "E1"'), "rung", "needs step or watch"),
    ((*BASE, EXPECT + 'step = "report"\nrung = "E9"'), "rung", "no rung here"),
    ((*BASE, EXPECT + 'step = "report"\nstate = "open"'), "state", "no state here"),
    ((*BASE, EXPECT + 'step = "report"\nreminders = "two"'), "reminders", "whole number"),
    ((*BASE, EXPECT + 'step = "report"\nnext = "E2"'), "next", "E2 2026-03-30"),
    ((*BASE, EXPECT + 'forecast = "soon"'), "forecast", "tracing E2"),
    ((*BASE, EXPECT + 'gate = "legal"\nopen = "yes"'), "open", "true or false"),
    ((*BASE, EXPECT + 'case = "open"\nwithin = "soon"'), "within", '"1 minutes"'),
    ((*BASE, EXPECT + 'message = "any"\ncarries = "nmaes"'), "carries", 'Did you mean "names"'),
    ((*BASE, EXPECT + 'message = "any"\nto = "moon"'), "to", "no party or role"),
    ((*BASE, EXPECT + "group = { lost = 2 }"), "group", "no count here"),
    ((*BASE, EXPECT + 'case = "open"\nfrom = 2026-03-01'), "from", "no key here"),
    ((*BASE, '[[never]]\ncase = "closed"\nat = 2026-03-01T00:00:00'), "at", "no key here"),
    (
        (*BASE, '[[never]]\ncase = "closed"\nfrom = 2026-03-02\nuntil = 2026-03-01'),
        "until",
        "before from",
    ),
]


@pytest.mark.parametrize(
    ("parts", "key", "sentence"),
    MISTAKES,
    ids=[f"{key or 'table'}: {sentence}" for _, key, sentence in MISTAKES],
)
def test_it_names_the_mistake_and_what_may_stand_there(
    written: Path, parts: tuple[str, ...], key: str, sentence: str
) -> None:
    error = mistake(written, *parts)
    assert error.key == key
    assert sentence in str(error)
    assert str(error).startswith(str(written))


def test_it_says_where_the_mistake_is(written: Path) -> None:
    error = mistake(written, *BASE, ACT + 'do = "resume"', ACT + 'do = "accept"\nstep = "x"')
    line = written.read_text().splitlines().index("[[act]]", 13) + 1
    assert error.table == f"[[act]] number 2, line {line}"
    assert f'[[act]] number 2, line {line}, key "step"' in str(error)


def test_it_says_when_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(StoryFileError, match="cannot be read"):
        read_story(tmp_path / "nowhere.toml")


SECOND = '[[person]]\nid = "b"\nage = 30\n'


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((TOP, '[[segment]]\ncorridor = "th-mm"', PERSON), "corridor th-mm"),
        ((TOP, '[[segment]]\ncorridor = "committee-district"'), "corridor committee-district"),
        ((TOP, '[[segment]]\ncorridor = "transit"\ncountry = "CN"', PERSON), "corridor transit"),
        ((TOP, SEGMENT, '[[segment]]\ncorridor = "la-th"', PERSON), "several segments"),
        ((*BASE, SECOND), "several persons"),
        ((TOP, SEGMENT, PERSON + 'batch = "b1"'), "several persons"),
        ((*BASE, ACT + 'do = "add_segment"\ncorridor = "my-mm"'), '"add_segment"'),
        ((*BASE, ACT + 'do = "check_in"'), '"check_in"'),
        ((*BASE, ACT + 'do = "leave_group"'), '"leave_group"'),
        ((*BASE, EXPECT + "group = { returned = 2 }"), '"group"'),
        ((*BASE, '[[never]]\nseen_by = "host.focal"\nview = "export"\nshows = "names"'), "export"),
    ],
)
def test_it_says_what_comes_later(written: Path, parts: tuple[str, ...], said: str) -> None:
    sentence = comes_later(read(written, *parts))
    assert sentence is not None
    assert said in sentence
    assert "later" in sentence


@pytest.mark.parametrize("corridor", words.PLAYABLE_CORRIDORS)
def test_it_plays_one_person_on_a_corridor_of_this_release(written: Path, corridor: str) -> None:
    segment = f'[[segment]]\ncorridor = "{corridor}"'
    assert comes_later(read(written, TOP, segment, PERSON, ACT + 'do = "depart"')) is None


def test_it_reads_the_example_of_the_documentation(written: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "stories.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    assert read(written, example).acts[0].step == "report"
