"""Logging in and out, and what guessing, forging and repeating come to."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lianji.web.access import gate
from lianji.web.access.access import KeptAccess, OpenAccess
from lianji.web.access.accounts import Accounts
from lianji.web.access.client import networks
from lianji.web.access.roles import Role, Scope
from tests.peers import wait_until
from tests.web.access.conftest import KEY, PASSWORD, Site, field_of, fields_of
from tests.web.conftest import served
from tests.web.plant import MELT, MemoryPlant

WRONG = "wrong horse battery"


def _log_in(
    browser: httpx.Client, name: str = "Viewer", password: str = PASSWORD, **more: str
) -> httpx.Response:
    page = browser.get("/login").text
    fields = fields_of(page, name=name, password=password, **more)
    return browser.post("/login", data=fields)


def test_a_page_leads_to_the_log_in_and_back(site: Site) -> None:
    browser = site.browser()
    answer = browser.get("/chart?tags=a,b&range=8h")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/chart%3Ftags%3Da%2Cb%26range%3D8h"
    page = browser.get(answer.headers["location"]).text
    entered = browser.post("/login", data=fields_of(
        page, name="viewer", password=PASSWORD, next="/chart?tags=a,b&range=8h"
    ))  # fmt: skip
    assert (entered.status_code, entered.headers["location"]) == (303, "/chart?tags=a,b&range=8h")
    shown = browser.get("/chart").text
    assert "Viewer" in shown and "viewer</small>" in shown


@pytest.mark.parametrize("goal", ["//evil.com", "https://evil.com", "/\\evil.com", "", "/a\nb"])
def test_the_log_in_leads_nowhere_else(site: Site, goal: str) -> None:
    assert _log_in(site.browser(), next=goal).headers["location"] == "/"


def test_cookies_are_kept_from_scripts_and_other_sites(site: Site) -> None:
    cookies = _log_in(site.browser()).headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie


def test_logging_out_ends_the_session_on_the_server(site: Site) -> None:
    browser = site.browser()
    _log_in(browser)
    copy = site.client(Cookie="; ".join(f"{k}={v}" for k, v in browser.cookies.items()))
    assert copy.get("/api/status").status_code == 200
    page = browser.get("/").text
    assert browser.post("/logout", data={"csrf": field_of(page, "csrf")}).status_code == 303
    assert copy.get("/api/status").status_code == 401
    assert browser.get("/").status_code == 303


def test_a_wrong_name_and_a_wrong_password_are_told_alike(site: Site) -> None:
    def told(name: str, password: str) -> tuple[int, str]:
        answer = _log_in(site.browser(), name, password)
        page = answer.text
        return answer.status_code, page[page.index("failure") : page.index('name="csrf"')]

    assert told("Viewer", WRONG) == told("nobody at all", PASSWORD)
    assert told("Viewer", WRONG)[0] == 401


# -- guessing -----------------------------------------------------------------------------------


@pytest.fixture
def behind(site: Site) -> Iterator[Site]:
    """The same users, behind a proxy that names the client's address."""
    access = KeptAccess(site.accounts, KEY, networks(["127.0.0.1"]))
    with served(site.plant, access) as (address, _server):
        there = Site(address, site.accounts, site.plant, site.clients)
        yield there


def _from(site: Site, address: str) -> httpx.Client:
    browser = site.browser()
    browser.headers["X-Forwarded-For"] = address
    return browser


def test_a_password_guessed_a_thousand_times_is_stopped_and_its_owner_is_not(behind: Site) -> None:
    owner, guesser = _from(behind, "10.0.0.5"), _from(behind, "10.0.0.66")
    assert _log_in(owner, "Administrator").status_code == 303
    fields = {
        "csrf": field_of(guesser.get("/login").text, "csrf"),
        "name": "administrator",
    }

    def guess(number: int) -> int:
        answer = guesser.post("/login", data=fields | {"password": f"guess number {number}"})
        return answer.status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(1_000)))
    looked_at = [status for status in statuses if status != 429]
    assert set(looked_at) <= {401, 503} and len(looked_at) <= 11
    blocked = guesser.post("/login", data=fields | {"password": PASSWORD})
    assert blocked.status_code == 429 and 0 < int(blocked.headers["retry-after"]) <= 60
    assert _log_in(_from(behind, "10.0.0.7"), "Administrator").status_code == 303
    port = behind.address.rpartition(":")[2]
    owner.cookies.delete(f"lianji-session-{port}")
    owner.headers["X-Forwarded-For"] = "10.0.0.66"  # behind the guesser's own address
    assert _log_in(owner, "Administrator").status_code == 303
    rows = [e for e in behind.accounts.audit.newest(1_000) if e.what.startswith("log-in-")]
    assert 0 < len(rows) <= 12 and "log-in-blocked" in {row.what for row in rows}


def test_many_addresses_together_are_stopped_too(behind: Site) -> None:
    statuses = [
        _log_in(_from(behind, f"10.1.0.{number}"), "Operator", WRONG).status_code
        for number in range(40)
    ]
    assert statuses[:30] == [401] * 30
    assert 429 in statuses[30:]
    assert _log_in(_from(behind, "10.1.0.200"), "Engineer").status_code == 303


def test_another_account_is_not_blocked_by_a_guesser_elsewhere(behind: Site) -> None:
    for _ in range(15):
        last = _log_in(_from(behind, "10.2.0.1"), "Operator", WRONG)
    assert last.status_code == 429
    assert _log_in(_from(behind, "10.2.0.2"), "Operator").status_code == 303


def test_a_device_cookie_that_nobody_gave_is_worth_nothing(behind: Site) -> None:
    port = behind.address.rpartition(":")[2]
    statuses = []
    for number in range(14):
        browser = _from(behind, "10.3.0.1")
        browser.cookies.set(f"lianji-device-{port}", f"nonce{number}.{'0' * 64}")
        statuses.append(_log_in(browser, "Operator", WRONG).status_code)
    assert statuses[-1] == 429


# -- forging ------------------------------------------------------------------------------------


def test_a_form_without_the_sessions_token_is_refused(site: Site) -> None:
    browser = site.browser()
    _log_in(browser, "Administrator")
    good = fields_of(browser.get("/users").text)
    bad = fields_of(site.browser().get("/login").text)
    new = {"name": "eve", "role": "administrator", "password": "another horse battery"}
    for fields in (new, new | {"csrf": ""}, new | bad, new | {"csrf": good["csrf"] + "0"}):
        answer = browser.post("/users", data=fields)
        assert answer.status_code == 403
        assert answer.json()["code"] == "form-foreign"
    foreign = browser.post("/users", data=new | good, headers={"Origin": "http://evil.com"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign-origin")
    nameless = browser.post("/users", data=new | good, headers={"Origin": "null"})
    assert nameless.status_code == 403
    assert [user.name for user in site.accounts.users.all() if user.name == "eve"] == []
    assert browser.post("/users", data=new | good).status_code == 303


def test_a_script_needs_the_browsers_word_or_the_token(site: Site) -> None:
    client = site.member("Administrator")
    token = client.headers.pop("x-csrf-token")
    origin = client.headers.pop("origin")
    new = {"name": "eve", "role": "viewer", "password": "another horse battery"}
    assert client.post("/api/users", json=new).json()["code"] == "form-foreign"
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/users", json=new, headers=cross).status_code == 403
    wrong = {"Origin": origin, "X-CSRF-Token": "0" * 64}
    assert client.post("/api/users", json=new, headers=wrong).status_code == 403
    assert client.post("/api/users", json=new, headers={"Origin": origin}).status_code == 200
    right = {"X-CSRF-Token": token}
    assert client.delete("/api/users/eve", headers=right).status_code == 200


def test_a_program_with_a_token_brings_no_form_token(site: Site) -> None:
    secret = site.token(Scope.ADMIN)
    new = {"name": "eve", "role": "viewer", "password": "another horse battery"}
    client = site.client(Authorization=f"Bearer {secret}")
    assert client.post("/api/users", json=new).status_code == 200


def test_a_huge_form_is_not_held(site: Site) -> None:
    browser = site.browser()
    _log_in(browser)
    body = b"csrf=x&a=" + b"a" * (1 << 20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/users", content=body, headers=headers).status_code == 403  # not its role
    assert browser.post("/logout", content=body, headers=headers).status_code == 413


def test_a_name_with_markup_is_never_shown_as_markup(site: Site) -> None:
    answer = _log_in(site.browser(), '"><script>alert(1)</script>', WRONG)
    assert "<script>alert" not in answer.text


# -- repeating ----------------------------------------------------------------------------------


def test_a_form_posted_twice_does_the_thing_once(site: Site) -> None:
    browser = site.browser()
    _log_in(browser, "Administrator")
    fields = fields_of(browser.get("/users").text, name="telegraf", scope="push", days="30")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: browser.post("/tokens", data=fields), range(4)))
    secrets = {a.text.partition('id="new-token">')[2].partition("<")[0] for a in answers}
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(secrets) == 1 and secrets != {""}
    assert [token.name for token in site.accounts.tokens.all()] == ["telegraf"]
    again = fields_of(browser.get("/users").text, name="telegraf", scope="push", days="30")
    assert browser.post("/tokens", data=again).status_code == 400  # a new form is a new wish


def test_a_form_that_failed_may_be_sent_again(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/login").text
    assert browser.post("/login", data=fields_of(page, name="viewer", password=WRONG)).is_error
    assert browser.post(
        "/login", data=fields_of(page, name="viewer", password=PASSWORD)
    ).has_redirect_location


# -- the connection -----------------------------------------------------------------------------


def test_cookies_are_secure_where_a_known_proxy_speaks_https(behind: Site, site: Site) -> None:
    for there, secure in ((behind, True), (site, False)):
        browser = there.browser()
        browser.headers["X-Forwarded-Proto"] = "https"
        fields = fields_of(browser.get("/login").text, name="viewer", password=PASSWORD)
        port = there.address.rpartition(":")[2]
        cookie = browser.get("/login").headers["set-cookie"].partition(";")[0]
        assert cookie.startswith(f"lianji-form-{port}=")
        fields["csrf"] = cookie.partition("=")[2]
        answer = browser.post("/login", data=fields, headers={"Cookie": cookie})
        assert answer.status_code == 303
        assert all(("Secure" in one) is secure for one in answer.headers.get_list("set-cookie"))


def test_who_is_logged_out_sees_no_more_of_a_stream(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "LOOK_AGAIN_S", 0.0)
    client, moment = site.member("Viewer"), [2_000_000_000_000_000]
    user = site.accounts.users.named("Viewer")
    with client.stream("GET", "/api/live", params={"tags": MELT}) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("data:"))
        site.accounts.sessions.end_all(user.id, user.name, "test")
        seen = 0
        for number in range(100):
            site.plant.add(MELT, moment[0] + number, float(number))
            if next((line for line in lines if line.startswith("data:")), None) is None:
                break
            seen += 1
        assert seen < 20
    wait_until(lambda: client.get("/api/status").status_code == 401, what="the session is over")


# -- the first run and the open plant -----------------------------------------------------------


def test_before_the_first_administrator_only_this_machine_is_answered(fresh: Site) -> None:
    browser = fresh.browser()
    for path in ("/", "/chart", "/users", "/login", "/nothing"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/welcome"), path
    assert fresh.client().get("/api/status").json()["code"] == "first-run"
    port = fresh.address.rpartition(":")[2]
    for headers in (
        {"Host": "evil.com"},
        {"Host": f"192.168.0.5:{port}"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
    ):
        for path in ("/", "/welcome", "/api/status", "/health", "/static/mark.svg", "/login"):
            answer = browser.get(path, headers=headers)
            assert answer.status_code == 403, (headers, path)
    assert browser.get("/welcome").status_code == 200
    assert browser.get("/welcome", headers={"Host": f"localhost:{port}"}).status_code == 200
    assert fresh.client(Authorization=f"Bearer {KEY}").get("/api/status").status_code == 200


def test_the_welcome_makes_the_administrator_once(fresh: Site) -> None:
    browser, late = fresh.browser(), fresh.browser()
    given = {"title": "Plastics works", "name": "anna", "password": PASSWORD, "again": PASSWORD}
    stale = fields_of(late.get("/welcome").text)
    differing = browser.post(
        "/welcome", data=fields_of(browser.get("/welcome").text) | given | {"again": WRONG}
    )
    assert differing.status_code == 400 and 'value="anna"' in differing.text
    assert PASSWORD not in differing.text
    fields = fields_of(browser.get("/welcome").text) | given
    answers = [browser.post("/welcome", data=fields) for _ in range(1)]
    assert (answers[0].status_code, answers[0].headers["location"]) == (303, "/welcome")
    assert "Plastics works is ready" in browser.get("/welcome").text
    second = late.post("/welcome", data=stale | given | {"name": "mallory"})
    assert second.status_code == 400 and "There is an administrator already" in second.text
    assert [user.name for user in fresh.accounts.users.all()] == ["anna"]
    assert late.get("/welcome").headers["location"] == "/login"
    assert [entry.what for entry in reversed(fresh.accounts.audit.newest())] == [
        "user-added", "site-named", "log-in",
    ]  # fmt: skip


def test_an_open_plant_answers_this_machine_and_no_other_name(accounts: Accounts) -> None:
    access = OpenAccess(accounts, this_machine_only=True)
    with (
        served(MemoryPlant(), access) as (address, _server),
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        page = client.get("/")
        assert page.status_code == 200 and "Everybody on this machine" in page.text
        assert client.get("/users").status_code == 200
        for headers in ({"Host": "evil.com"}, {"X-Forwarded-For": "10.0.0.1"}):
            for path in ("/", "/api/status", "/users"):
                assert client.get(path, headers=headers).status_code == 403
        new = {"name": "anna", "role": "administrator", "password": PASSWORD}
        assert client.post("/users", data=new).status_code == 303
        assert client.post(
            "/users", data=new, headers={"Origin": "http://evil.com"}
        ).status_code == 403  # fmt: skip
    assert accounts.audit.newest(1)[0].who == "anybody on this machine"


@pytest.mark.parametrize("kind", ["Bearer", "Token", "bearer"])
def test_a_token_comes_in_every_way_that_clients_know(site: Site, kind: str) -> None:
    secret = site.token(Scope.PUSH)
    line = "shop,machine=m1 value=1 1700000000000000000"
    client = site.client()
    for options in (
        {"headers": {"Authorization": f"{kind} {secret}"}},
        {"auth": ("anything", secret)},
        {"params": {"u": "anything", "p": secret, "db": "x"}},
    ):
        assert client.post("/write", content=line, **options).status_code == 204  # type: ignore[arg-type]
    assert client.post("/write", content=line, params={"p": secret[:-1]}).status_code == 401
    assert client.get("/api/me", params={"p": secret}).status_code == 401


def test_a_removed_token_is_refused_at_once(site: Site) -> None:
    admin = site.member("Administrator")
    made = admin.post("/api/tokens", json={"name": "t", "scopes": ["read"], "days": None}).json()
    client = site.client(Authorization=f"Bearer {made['token']}")
    assert client.get("/api/me").json()["may"] == ["anybody", "read"]
    assert admin.delete("/api/tokens", params={"name": "t"}).status_code == 200
    assert client.get("/api/me").status_code == 401


def test_ones_own_password_needs_the_old_one(site: Site) -> None:
    browser, other = site.browser(), site.browser()
    _log_in(browser)
    _log_in(other)
    new = {"password": "another horse battery", "again": "another horse battery"}

    def change(old: str) -> httpx.Response:
        fields = fields_of(browser.get("/account").text, old=old)
        return browser.post("/account/password", data=fields | new)

    assert change(WRONG).status_code == 400
    assert change(PASSWORD).headers["location"] == "/account?done=password"
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert site.accounts.users.with_password("viewer", new["password"]) is not None
    assert site.accounts.users.named("viewer").role is Role.VIEWER
