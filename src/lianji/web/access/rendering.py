"""The pages of access: forms of HTML that work without a script, posted and answered by 303."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from lianji.base.errors import LianjiError
from lianji.web.access.client import FORM_COOKIE, Client
from lianji.web.access.log_in import set_form_cookie
from lianji.web.access.secret_text import new_secret
from lianji.web.asked import language_of
from lianji.web.page import page_response


def form_page(
    template: str, request: Request, *, error: LianjiError | None = None, **more: Any
) -> HTMLResponse:
    """A page with forms. Where ``error`` is given it is shown, with its status."""
    client: Client = request.state.client
    who = request.state.who
    cookie = client.cookie(FORM_COOKIE) or new_secret()
    csrf = who.csrf if who is not None else cookie
    language = language_of(request)
    response = page_response(
        template,
        request,
        request.app.state.plants.whole,
        language,
        csrf=csrf,
        once=secrets.token_urlsafe(12),
        error=error,
        **more,
    )
    response.headers["Cache-Control"] = "no-store"
    if error is not None:
        response.status_code = error.http_status
        wait_s = getattr(error, "retry_after_s", 0)
        if wait_s:
            response.headers["Retry-After"] = str(wait_s)
    if who is None:
        set_form_cookie(response, client, FORM_COOKIE, cookie)
    return response


def go_to(address: str) -> Response:
    """After a post, so that loading again posts nothing."""
    return RedirectResponse(address, 303)


def local_address(text: str) -> str:
    """A path of this plant, or its first page: never another server's address."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable():
        return "/"
    return text


async def refusal(scope: Scope, error: LianjiError) -> Response:
    """What the gate answers a browser that may not see a page."""
    return form_page("refused.html", Request(scope), error=error)
