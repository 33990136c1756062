"""The small parts of the door that need no server: cookies, tokens, whose request it is."""

import pytest
from starlette.datastructures import Headers

from api.fields import NotPlainJson, strict_json
from api.security import ALWAYS, SessionCookie, bearer_of, is_cross_site


def test_it_binds_the_cookie_to_this_host_over_https() -> None:
    cookie = SessionCookie(secure=True)
    assert cookie.name == "__Host-homeward"
    told = cookie.header("secret")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in told
    assert "Domain" not in told


def test_it_takes_the_cookie_away() -> None:
    assert "Max-Age=0" in SessionCookie(secure=False).header("", 0)


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer hw_a_b", "hw_a_b"), ("bearer  hw_a_b ", "hw_a_b"), ("Basic x", None), (None, None)],
)
def test_it_reads_bearer_tokens_alone(header: str | None, token: str | None) -> None:
    assert bearer_of(header) == token


@pytest.mark.parametrize(
    ("method", "headers", "cross"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"origin": "https://us.example", "host": "us.example"}, False),
        ("POST", {"origin": "https://us.example.evil", "host": "us.example"}, True),
        ("POST", {"origin": "http://homeward.test:80", "host": "homeward.test:80"}, False),
        ("POST", {"origin": "null", "host": "us.example"}, True),
        ("POST", {"origin": "https://evil", "authorization": "Bearer x"}, False),
        ("POST", {"origin": "https://evil", "authorization": "Basic x"}, True),
        ("POST", {}, False),
    ],
)
def test_it_knows_requests_that_another_site_sent(
    method: str, headers: dict[str, str], cross: bool
) -> None:
    assert is_cross_site(method, Headers(headers)) is cross


def test_its_policy_lets_browsers_say_where_a_form_of_ours_comes_from() -> None:
    """With `no-referrer` they send `Origin: null`, and every form would be refused."""
    assert ALWAYS["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}', b'"\\ud800"', b"[[[[[[[[1]]]]]]]]", b"NaN"]
)
def test_it_reads_json_that_means_one_thing_only(body: bytes) -> None:
    with pytest.raises(NotPlainJson):
        strict_json(body)
