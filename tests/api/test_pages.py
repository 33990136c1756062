"""The pages over HTTP: who gets in, who sees what, and what sending a form twice does."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from api.pages.forms.base import WRITTEN
from api.pages.throttle import TRIES_OF_A_NAME, Throttle
from records import users
from tests.api.conftest import PASSWORD, Running
from tests.api.test_pages_words import CODE


class Forms(HTMLParser):
    """The forms of a page: by `do`, the values a browser would send untouched."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self.now: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.now = {}
        if tag == "input" and told.get("type") == "hidden":
            self.now[told["name"]] = told["value"]
            if told["name"] == "do":
                self.found[told["value"]] = self.now


class Browser(httpx2.Client):
    """A browser without scripts: it keeps cookies, says where a form comes from, follows nothing."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=30, follow_redirects=False)

    def sign_in(self, user: str, password: str = PASSWORD, **more: str) -> httpx2.Response:
        return self.submit("/sign-in", {"user": user, "password": password, **more})

    def submit(self, path: str, values: dict[str, Any], **headers: str) -> httpx2.Response:
        named = {"sec-fetch-site": "same-origin", "origin": str(self.base_url).rstrip("/")}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(path, data=values, headers=named)

    def every(self, path: str) -> str:
        """Return every page of a list, one after the other: other tests fill the lists, too."""
        pages = [self.get(path).text]
        while (following := re.search(r'rel="next" href="([^"]+)"', pages[-1])) is not None:
            pages.append(self.get(unescape(following[1])).text)
        return "\n".join(pages)

    def form(self, path: str, do: str) -> dict[str, str]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return Forms(answer.text).found[do]


class People(dict[str, Browser]):
    """A browser for everybody, signed in when first asked for."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def __missing__(self, user: str) -> Browser:
        self[user] = browser = Browser(self.url)
        assert browser.sign_in(user).status_code == 303
        return browser


@pytest.fixture(scope="session")
def with_passwords(api: Running) -> Running:
    """Everybody can sign in."""
    with api.database.begin() as connection:
        for user in ("mali", "thida", "ngo", "anan", "bounmy", "viktor", "rita"):
            users.set_password(connection, user, PASSWORD)
    return api


@pytest.fixture
def people(with_passwords: Running) -> Iterator[People]:
    with_passwords.app.state.throttle = Throttle()
    found = People(with_passwords.url)
    yield found
    for browser in found.values():
        browser.close()


@pytest.fixture
def stranger(with_passwords: Running) -> Iterator[Browser]:
    with_passwords.app.state.throttle = Throttle()
    with Browser(with_passwords.url) as browser:
        yield browser


WROTE = "the road is <b>cut</b> & the bus\nwaits"


def said(answer: httpx2.Response) -> str:
    return re.sub(r"[0-9a-f]{16}", "", answer.text)


# -- signing in


def test_it_keeps_a_session_in_a_cookie_that_scripts_and_other_sites_do_not_get(
    stranger: Browser,
) -> None:
    assert stranger.get("/tasks").headers["location"] == "/sign-in?next=/tasks"
    cookie = stranger.sign_in("thida").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    secret = stranger.cookies["homeward"]
    assert stranger.get("/tasks").status_code == 200
    assert stranger.submit("/sign-out", {}).status_code == 303
    stranger.cookies.set("homeward", secret)
    assert stranger.get("/tasks").status_code == 303


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_it_never_leads_away_after_signing_in(stranger: Browser, away: str) -> None:
    assert stranger.sign_in("thida", next=away).headers["location"] == "/"
    assert away not in stranger.get("/sign-in", params={"next": away}).text


def test_it_slows_down_whoever_tries_out_passwords(stranger: Browser) -> None:
    tries = [stranger.sign_in("nobody-at-all", "a guess") for _ in range(TRIES_OF_A_NAME)]
    assert {answer.status_code for answer in tries} == {401}
    shut = stranger.sign_in("nobody-at-all", "a guess")
    assert shut.status_code == 429
    assert int(shut.headers["retry-after"]) > 0
    assert stranger.sign_in("another-name", "a guess").status_code == 401


def test_it_says_truly_how_long_nobody_can_sign_in(stranger: Browser) -> None:
    for _ in range(TRIES_OF_A_NAME):
        stranger.sign_in("nobody-at-all", "a guess")
    shut = stranger.sign_in("nobody-at-all", "a guess")
    assert 290 <= int(shut.headers["retry-after"]) <= 300
    assert "Wait five minutes" in shut.text


def test_it_lets_them_try_again_when_it_said_so() -> None:
    throttle, begin = Throttle(), datetime(2026, 3, 5, 9, tzinfo=UTC)
    for minute in range(TRIES_OF_A_NAME):
        throttle.wrong("mali", "10.0.0.1", begin + timedelta(minutes=minute))
    late = begin + timedelta(minutes=4, seconds=30, milliseconds=200)
    assert throttle.wait("mali", "10.0.0.1", late) == 30
    assert throttle.wait("mali", "10.0.0.1", late + timedelta(seconds=30)) == 0
    assert throttle.wait("thida", "10.0.0.1", late) == 0


def test_it_refuses_a_form_sent_from_another_site(api: Running, people: People) -> None:
    case = api.at_placement()
    path = f"/tasks/{case['case']}/placement"
    form = people["thida"].form(path, "accept")
    answer = people["thida"].submit(path, form, sec_fetch_site="cross-site")
    assert answer.status_code == 403
    assert answer.json()["title"] == "This was sent from another site"
    page = people["thida"].submit(
        path, form, sec_fetch_site="cross-site", origin="https://evil.example", accept="text/html"
    )
    assert page.status_code == 403
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "sent from another site" in page.text
    assert "Your role" not in page.text
    assert api.step(case, "placement")["state"] == "offered"


# -- who sees what


def test_it_hides_the_tasks_of_others_as_if_there_were_none(api: Running, people: People) -> None:
    case = api.at_placement()
    there, nowhere = f"/tasks/{case['case']}/placement", "/tasks/AAAAA-AAAAA/placement"
    for who in ("ngo", "viktor", "bounmy"):
        answers = [people[who].get(path) for path in (there, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert said(answers[0]) == said(answers[1])
        assert people[who].submit(there, {"do": "accept"}).status_code == 404
    assert case["reference"] not in people["ngo"].every("/tasks")
    assert case["reference"] in people["thida"].every("/tasks")


@pytest.mark.parametrize(("who", "status"), [("thida", 403), ("rita", 403), ("viktor", 404)])
def test_it_shows_a_case_only_to_who_sees_it_whole(
    api: Running, people: People, who: str, status: int
) -> None:
    case = api.at_placement()
    answers = [people[who].get(path) for path in (f"/cases/{case['case']}", "/cases/AAAAA-AAAAA")]
    assert [answer.status_code for answer in answers] == [status, status]
    assert said(answers[0]) == said(answers[1])


def test_it_shows_no_name_and_no_reason_before_somebody_says_why(
    api: Running, people: People
) -> None:
    case = api.at_placement(person={"name": "Somchanh Q.", "contact": "+856 20 1"})
    path = f"/cases/{case['case']}"
    api.thida.do(f"/tasks/{case['case']}/placement/note", {"note": "sleeps badly"})
    pages = [people["mali"].every(p) for p in (path, "/cases", "/stalled", "/tasks")]
    assert all("Somchanh" not in page and "sleeps badly" not in page for page in pages)
    unsaid = people["mali"].submit(f"{path}/words", {"purpose": " "})
    assert unsaid.status_code == 422
    assert "Somchanh" not in unsaid.text
    opened = people["mali"].submit(f"{path}/words", {"purpose": "calling the shelter"})
    assert "Somchanh Q." in opened.text
    assert "sleeps badly" in opened.text
    told = people["anan"].submit(f"{path}/words", {"purpose": "the committee meets"})
    assert "Somchanh Q." not in told.text  # a secretary's role has no names
    assert "sleeps badly" in told.text


def test_nobody_decides_what_did_not_reach_them(api: Running, people: People) -> None:
    case = api.at_placement()
    for who in ("anan", "bounmy"):
        assert people[who].get(f"/stalled/{case['case']}/placement").status_code == 404


# -- forms


def test_a_form_sent_twice_is_one_act(api: Running, people: People) -> None:
    case = api.at_placement()
    path = f"/tasks/{case['case']}/placement"
    form = {**people["thida"].form(path, "complete"), "outcome": "placed"}
    answers = [people["thida"].submit(path, form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert {answer.headers["location"] for answer in answers} == {"/tasks?done=complete"}
    told = api.mali.read(f"/cases/{case['case']}/timeline").json()["items"]
    assert [e["what"] for e in told if e["step"] == "placement"].count("TaskDone") == 1


def test_a_form_that_comes_too_late_says_that_somebody_was_quicker(
    api: Running, people: People
) -> None:
    case = api.at_placement()
    path = f"/tasks/{case['case']}/placement"
    form = {**people["thida"].form(path, "complete"), "outcome": "declined"}
    api.thida.do(f"/tasks/{case['case']}/placement/complete", {"outcome": "placed"})
    late = people["thida"].submit(path, {**form, "reason": WROTE})
    assert late.status_code == 409
    assert "Somebody else was quicker" in late.text
    assert "no longer in your hands" in late.text
    assert WROTE in unescape(late.text)
    assert "Placed" not in late.text  # how it ended is no longer theirs to see


def test_what_was_written_comes_back_when_the_task_went_to_another_office(
    api: Running, people: People
) -> None:
    case = api.at_placement()
    path = f"/tasks/{case['case']}/placement"
    form = {**people["thida"].form(path, "decline"), "reason": WROTE}
    asked = {"do": "reassign", "step": "placement", "to": "mekong-line", "reason": "nearer"}
    moved = api.mali.do(f"/cases/{case['case']}/acts", asked)
    assert moved.status_code == 200, moved.text
    answer = people["thida"].submit(path, form)
    assert answer.status_code in {403, 404, 409}
    assert WROTE in unescape(answer.text)
    assert "readonly" in answer.text
    assert case["reference"] not in answer.text.replace(path, "")
    for word in ("mekong-line", "Mekong", "reassign"):
        assert word not in answer.text


@pytest.mark.parametrize("where", ["{}", "AAAAA-AAAAA"])
def test_whoever_may_see_nothing_is_shown_their_own_words_alone(
    api: Running, people: People, where: str
) -> None:
    case = api.at_placement()
    path = f"/tasks/{where.format(case['case'])}/placement"
    answer = people["viktor"].submit(path, {"do": "note", "note": WROTE})
    told = people["viktor"].submit("/tasks/AAAAA-AAAAA/placement", {"do": "note", "note": WROTE})
    assert answer.status_code == 404
    assert WROTE in unescape(answer.text)
    assert said(answer) == said(told)


@pytest.mark.parametrize("how", ["signed out", "never signed in"])
def test_it_says_that_nothing_was_sent_and_shows_what_was_written(
    api: Running, people: People, stranger: Browser, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    case = api.at_placement()
    path = f"/tasks/{case['case']}/placement"
    form = {**people["thida"].form(path, "note"), "note": WROTE}
    if how == "signed out":
        stranger.sign_in("thida")
        assert stranger.get(path).status_code == 200
        stranger.submit("/sign-out", {})
    answer = stranger.submit(path, form)
    assert answer.status_code == 401
    assert "nothing was sent" in answer.text
    assert f'name="next" value="{path}"' in answer.text
    assert_kept(answer)
    # A wrong password does not lose it either, nor does the right one.
    words = {"next": path, "note": WROTE}
    wrong = stranger.sign_in("thida", "not her password", **words)
    assert wrong.status_code == 401
    assert_kept(wrong)
    right = stranger.sign_in("thida", **words)
    assert right.status_code == 200
    assert "homeward=" in right.headers["set-cookie"]
    assert f'href="{path}"' in right.text
    assert_kept(right)
    assert stranger.get(path).status_code == 200
    told = [row["what"] for row in api.mali.read(f"/cases/{case['case']}/timeline").json()["items"]]
    assert "TaskNoted" not in told
    assert "the road" not in caplog.text


def assert_kept(answer: httpx2.Response) -> None:
    """What was written is there to be copied, escaped, and nowhere else."""
    shown = re.search(r"<textarea([^>]*)>\n?(.*?)</textarea>", answer.text, re.DOTALL)
    assert shown is not None
    assert unescape(shown[2]) == WROTE
    assert "<b>" not in answer.text
    assert "readonly" in shown[1]
    assert 'autocomplete="off"' in shown[1]
    assert "the%20road" not in answer.text
    assert "road" not in answer.headers.get("set-cookie", "") + answer.headers.get("location", "")


def test_a_first_report_is_not_lost_with_the_session(stranger: Browser) -> None:
    answer = stranger.submit(
        "/cases/new", {"do": "open", "person.name": "Noi", "person.contact": "through her aunt"}
    )
    assert answer.status_code == 401
    assert "through her aunt" in answer.text
    assert "How to reach the person" in answer.text


def test_it_offers_only_a_province_in_which_the_office_holds_a_role(people: People) -> None:
    asked = people["mali"].get("/cases/new").text
    assert '<option value="Ubon Ratchathani">' in asked
    assert "Chiang Rai" not in asked


def test_every_long_answer_is_given_back_when_its_form_cannot_be() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in CODE.rglob("*.py"))
    asked = set(re.findall(r"""(?:field|Field)\(\s*"([a-z_.]+)", "area\"""", code))
    assert {"note", "person.contact"} < asked
    assert asked <= set(WRITTEN)


def test_it_leads_back_to_a_page_after_signing_in(api: Running, stranger: Browser) -> None:
    case = api.at_placement()["case"]
    answer = stranger.submit(f"/cases/{case}/words", {"do": "words", "purpose": "to call her"})
    assert f'name="next" value="/cases/{case}"' in answer.text


def test_nobody_acts_for_an_office_that_is_not_theirs(api: Running, people: People) -> None:
    case = api.at_placement()
    path = f"/tasks/{case['case']}/placement"
    form = {**people["thida"].form(path, "accept"), "by": "th-ubon-case"}
    assert people["thida"].submit(path, form).status_code == 403
    assert api.step(case, "placement")["state"] == "offered"


def test_it_records_a_consent_and_the_answer_of_another_office(
    api: Running, people: People
) -> None:
    mali = people["mali"]
    case = api.at_placement(opens="2026-02-02T09:00:00+07:00")
    here = f"/cases/{case['reference']}"

    def ask(path: str, do: str, **values: str) -> httpx2.Response:
        answer = mali.submit(path, {**mali.form(path, do), **values})
        assert answer.status_code == 303, answer.text
        return answer

    ask(here, "consent", purpose="tracing", until="2026-12-31")
    ask(f"/tasks/{case['reference']}/tracing_request", "complete", outcome="sent")
    path = f"/tasks/{case['reference']}/tracing"
    assert "You write down what" in mali.get(path).text
    moved = api.mali.do(
        f"/rehearsal/cases/{case['case']}/clock", {"to": "2026-02-24T10:00:00+07:00"}
    )
    assert moved.status_code == 200, moved.text
    values = {"outcome": "found_safe", "happened": "2026-02-20T15:00", "result.channel": "letter"}
    done = ask(path, "complete", **values)
    assert done.headers["location"] == f"{here}?done=complete"
    step = api.step(case, "tracing")
    assert (step["outcome"], step["happened_at"]) == ("found_safe", "2026-02-20T08:00:00Z")
    assert "The answer of" in mali.get(here).text


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"do=accept&by=\xff\xfe", 403),
        ({"content-type": "application/x-www-form-urlencoded"}, b"do=unheard-of", 404),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1&" * 200, 422),
        ({"content-type": "application/x-www-form-urlencoded"}, b"note=" + b"x" * 70_000, 413),
    ],
)
def test_it_answers_forms_that_no_page_of_ours_has(
    api: Running, people: People, headers: dict[str, str], body: bytes, status: int
) -> None:
    case: dict[str, Any] = api.at_placement()
    answer = people["thida"].post(f"/tasks/{case['case']}/placement", content=body, headers=headers)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


# -- what every page has


def test_every_page_is_guarded_and_its_style_is_kept_for_ever(
    people: People,
) -> None:
    page = people["mali"].get("/cases")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-type"].startswith("text/html")
    url = re.search(r'href="(/static/[^"]+)"', page.text)
    assert url is not None
    style = people["mali"].get(url[1])
    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in style.headers["cache-control"]
    assert people["mali"].get("/static/000000000000/homeward.css").status_code == 404


def test_a_case_offers_a_decision_to_those_it_reached(api: Running, people: People) -> None:
    case = api.a_case(opens="2026-02-02T09:00:00+07:00")
    moved = api.mali.do(
        f"/rehearsal/cases/{case['case']}/clock", {"to": "2026-02-16T09:00:00+07:00"}
    )
    assert moved.status_code == 200, moved.text
    link = f"/stalled/{case['reference']}/report"
    assert link in people["anan"].get(f"/cases/{case['reference']}").text
    assert link not in people["mali"].get(f"/cases/{case['reference']}").text
    form = {**people["anan"].form(link, "decide"), "decision": "refer_up", "reason": "too big"}
    assert people["anan"].submit(link, {**form, "reason": ""}).status_code == 422
    answers = [people["anan"].submit(link, form) for _ in range(2)]
    assert [answer.headers.get("location") for answer in answers] == ["/stalled?done=decide"] * 2
    assert people["anan"].get(link).status_code == 404
    late = people["anan"].submit(link, {**form, "key": "", "reason": WROTE})
    assert late.status_code == 403  # the next level has it now
    assert "not waiting for a decision of your office any more" in late.text
    assert WROTE in unescape(late.text)


def test_a_decision_that_comes_too_late_is_not_lost(api: Running, people: People) -> None:
    case = api.a_case(opens="2026-02-02T09:00:00+07:00")
    api.mali.do(f"/rehearsal/cases/{case['case']}/clock", {"to": "2026-02-16T09:00:00+07:00"})
    link = f"/stalled/{case['reference']}/report"
    form = {**people["anan"].form(link, "decide"), "decision": "cancel", "reason": WROTE}
    api.desk.do(f"/tasks/{case['case']}/report/complete", {"outcome": "accepted"})
    late = people["anan"].submit(link, form)
    assert late.status_code == 409
    assert "not waiting for a decision of your office any more" in late.text
    assert WROTE in unescape(late.text)
    assert f'href="/cases/{case["reference"]}"' in late.text  # who sees the case is led there


def test_a_long_story_is_told_in_pages(
    api: Running, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = api.at_placement()
    monkeypatch.setattr("api.pages.cases.LINES", 4)
    page = people["mali"].get(f"/cases/{case['reference']}").text
    earlier = re.search(r'href="(/cases/[^"]+before=\d+)', page)
    assert earlier is not None
    assert "The case was opened." not in page
    seen = [page]
    while earlier is not None:
        seen.append(people["mali"].get(earlier[1]).text)
        earlier = re.search(r'href="(/cases/[^"]+before=\d+)', seen[-1])
    assert "The case was opened." in seen[-1]
    assert "Newest events" in seen[-1]
    shown = [int(n) for text in seen for n in re.findall(r'<li class="[a-z]*" value="(\d+)"', text)]
    assert len(shown) == len(set(shown))
    assert shown == sorted(shown, reverse=True)
