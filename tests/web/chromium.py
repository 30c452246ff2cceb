"""Debian's Chromium on pages that may speak to one plant and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from tests.peers import command, need

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
INK = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) ink += 1;
  return ink;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def looking_at(browser: Browser, address: str, **options: Any) -> Iterator[BrowserContext]:
    """A context of 1440 x 900 in English; asking any other server fails at the end."""
    wrong: list[str] = []
    options = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **options}
    context = browser.new_context(base_url=address, **options)
    context.set_default_timeout(10_000)

    def only_the_plant(route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(address).netloc:
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    context.route("**/*", only_the_plant)
    yield context
    context.close()
    assert wrong == []


def strict(page: Page) -> list[str]:
    """The page's script errors and console errors, as they come; there should be none."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    return wrong
