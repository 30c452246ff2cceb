"""The first run and the account pages in a real browser that may speak to the plant alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from lianji.base.state import url_of
from tests.web.access.conftest import PASSWORD, Site
from tests.web.chromium import chromium
from tests.web.test_pages_in_browser import shoot

pytestmark = pytest.mark.system


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    """A page is the same over each database: one is enough here."""
    return url_of(tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, fresh: Site) -> Iterator[Page]:
    """Asking any other server or any script error fails; a refused form is no script error."""
    wrong: list[str] = []
    context = browser.new_context(
        base_url=fresh.address, locale="en-GB", viewport={"width": 1280, "height": 860}
    )

    def only_the_plant(route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(fresh.address).netloc:
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    context.route("**/*", only_the_plant)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: (
            wrong.append(said.text)
            if said.type == "error" and "the server responded with a status of 4" not in said.text
            else None
        ),
    )
    yield page
    context.close()
    assert wrong == []


def _begin(page: Page, name: str = "anna") -> None:
    page.goto("/welcome")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="is ready.")).to_be_visible()


def test_the_first_run_from_nothing_to_the_status_page(page: Page, tmp_path: Path) -> None:
    page.goto("/chart")
    expect(page).to_have_title("Welcome to Lianji · Demo shop")
    shoot(page, "welcome", tmp_path)
    page.get_by_label("What is your plant called?").fill("Plastics works")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill("something else")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("alert").first).to_contain_text("The two passwords are not the same.")
    expect(page.get_by_label("User name")).to_have_value("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Plastics works is ready.")).to_be_visible()
    expect(page.get_by_role("link", name="Connect a machine")).to_have_attribute("href", "/connect")
    shoot(page, "welcome-next", tmp_path)
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.locator(".plant")).to_have_text("Plastics works")


def test_the_whole_first_run_speaks_chinese(page: Page, fresh: Site, tmp_path: Path) -> None:
    page.goto("/welcome?lang=zh")
    shoot(page, "welcome-zh", tmp_path)
    page.get_by_label("您的工厂叫什么名字？").fill("塑料二车间")
    page.get_by_label("用户名").fill("王师傅")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_label("再次输入密码").fill(PASSWORD)
    page.get_by_role("button", name="开始").click()
    expect(page.get_by_role("heading")).to_have_text("塑料二车间 已就绪。")
    assert fresh.plant.titles == ("Demo shop", "塑料二车间")
    page.locator("#account summary").click()
    page.get_by_role("link", name="用户与令牌").click()
    expect(page.locator("#users")).to_contain_text("王师傅")


def test_the_administrator_adds_a_user_who_then_sees_less(page: Page, tmp_path: Path) -> None:
    _begin(page)
    page.goto("/users")
    page.locator("#add-user > summary").click()
    page.locator("#add-user").get_by_label("User name").fill("bob")
    page.locator("#add-user").get_by_label("Password").fill("another horse battery")
    page.locator("#add-user").get_by_role("button").click()
    expect(page.locator("#users")).to_contain_text("bob")
    page.get_by_label("Change bob").click()
    shoot(page, "users", tmp_path)
    page.locator("#account summary").click()
    page.locator("#account").get_by_role("button", name="Log out").click()
    page.get_by_label("User name").fill("bob")
    page.get_by_label("Password").fill("another horse battery")
    page.get_by_role("button", name="Log in").click()
    page.locator("#account summary").click()
    expect(page.get_by_role("link", name="Account")).to_be_visible()
    expect(page.get_by_role("link", name="Users and tokens")).to_have_count(0)
    page.goto("/users")
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()


def test_a_token_is_shown_once(page: Page, fresh: Site) -> None:
    _begin(page)
    page.goto("/users")
    page.locator("#add-token > summary").click()
    page.get_by_label("What it is for").fill("<b>Telegraf</b>")
    page.get_by_label("push samples").check()
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("#new-token").inner_text()
    assert fresh.client(Authorization=f"Bearer {token}").post("/write", content="").is_success
    expect(page.get_by_role("row", name="<b>Telegraf</b>")).to_be_visible()
    page.goto("/users")
    expect(page.locator("body")).not_to_contain_text(token)
    page.goto("/audit?verify=1")
    expect(page.get_by_role("status")).to_contain_text("is whole")
    expect(page.locator("#audit")).to_contain_text("made a token")


def test_everything_works_by_keyboard_and_without_scripts(browser: Browser, fresh: Site) -> None:
    context = browser.new_context(base_url=fresh.address, locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    for text in ("Works", "anna", PASSWORD, PASSWORD):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Works is ready.")
    context.close()


def test_who_is_logged_out_meanwhile_comes_back_to_the_same_view(page: Page, fresh: Site) -> None:
    _begin(page)
    page.goto("/status?view=1")
    expect(page.locator("#devices")).to_contain_text("imm1")
    user = fresh.accounts.users.named("anna")
    fresh.accounts.sessions.end_all(user.id, "anna", "test")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{fresh.address}/status?view=1")
