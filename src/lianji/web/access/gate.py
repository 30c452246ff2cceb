"""The gate before every route: who asks, may they, and does the post come from our own page.

It stands before the body is read, so nobody unknown makes us hold bytes. It goes by the app's own
routes; what is no route is answered to those who may read, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lianji.base.clock import monotonic_s
from lianji.base.errors import LianjiError, Text
from lianji.web.access.access import Access
from lianji.web.access.client import Client
from lianji.web.access.forms import check_origin_token
from lianji.web.access.guard import check, needs_of
from lianji.web.access.roles import Identity, Need
from lianji.web.faults import Forbidden, NotKnown, fault_response

WELCOME = "/welcome"
LOGIN = "/login"
LOOK_AGAIN_S = 10.0
"""So often a stream that goes on asks whether its reader still may."""
FOUND_MAX = 1_000
Refusal = Callable[[Scope, LianjiError], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Gated:
    """A route and all that it needs."""

    route: BaseRoute | RouteContext
    needs: tuple[Need, ...]

    def matches(self, scope: Scope) -> bool:
        return self.route.matches(scope)[0] is Match.FULL


def gated_routes(
    app: FastAPI, anybody: Sequence[str] = (), read: Sequence[str] = ()
) -> list[Gated]:
    """The app's routes with their needs. ``anybody`` and ``read`` name those that cannot say it
    themselves (files, the OpenAPI document). Raises RuntimeError where one says nothing."""
    given = dict.fromkeys(anybody, Need.ANYBODY) | dict.fromkeys(read, Need.READ)
    found: list[Gated] = []
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        needs = needs_of(getattr(context, "dependant", None))
        if not needs and path in given:
            needs = [given[path]]
        if not needs:
            raise RuntimeError(f"{path} does not say what it needs: see lianji.web.access.guard")
        route = context.original_route if isinstance(context.original_route, Mount) else context
        found.append(Gated(route, tuple(needs)))
    return found


class Gate:
    """ASGI middleware around all routes. It leaves ``request.state.who`` and ``.client``."""

    def __init__(self, app: ASGIApp, access: Access, routes: list[Gated], refusal: Refusal) -> None:
        self.app = app
        self._access = access
        self._routes = routes
        self._refusal = refusal
        self._found: dict[tuple[str, str], Gated | None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = Client(scope, self._access.proxies)
        route = self._route(scope)
        needs = route.needs if route else (Need.READ,)
        scope.setdefault("state", {}).update(who=None, client=client)
        who: Identity | None = None
        try:
            who = scope["state"]["who"] = await self._access.identify(client, Need.PUSH in needs)
            answer = await self._first_run(scope, client, who)
            if answer is None:
                self._only_here(who, client)
                for need in needs:
                    check(who, need)
                receive = await check_origin_token(scope, receive, client, who)
        except LianjiError as error:
            answer = await self._refused(scope, error)
        if answer is not None:
            await answer(scope, receive, send)
        elif who is not None and who.kind in ("session", "token"):
            await self._while_known(who, client, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _route(self, scope: Scope) -> Gated | None:
        asked = scope["method"], scope["path"]
        if asked not in self._found:
            if len(self._found) >= FOUND_MAX:
                self._found.clear()
            self._found[asked] = next((r for r in self._routes if r.matches(scope)), None)
        return self._found[asked]

    def _only_here(self, who: Identity | None, client: Client) -> None:
        if self._access.is_open and who is None:
            raise _only_this_machine(client)

    async def _first_run(
        self, scope: Scope, client: Client, who: Identity | None
    ) -> Response | None:
        """While there is no administrator: this machine is led to the welcome, nobody else in."""
        if who is not None or not await self._access.first_run():
            return None
        if not client.is_this_machine:
            raise _only_this_machine(client)
        path = scope["path"]
        if path == WELCOME or path.startswith("/static/") or path == "/health":
            return None
        if _wants_page(scope, client):
            return RedirectResponse(WELCOME, 303)
        raise NotKnown(
            "first-run",
            Text("There is no administrator yet.", "尚未创建管理员。"),
            Text(
                "Open the page on this machine, or run: lianji user add NAME.",
                "请在本机打开网页，或运行：lianji user add 名称。",
            ),
        )

    async def _refused(self, scope: Scope, error: LianjiError) -> Response:
        client: Client = scope["state"]["client"]
        if not _wants_page(scope, client):
            response: Response = fault_response(error)
            if isinstance(error, NotKnown):
                response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if isinstance(error, NotKnown):
            return RedirectResponse(log_in_address(scope), 303)
        return await self._refusal(scope, error)

    async def _while_known(
        self, who: Identity, client: Client, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Carry the answer while its reader is still known, and may see the same sites: a stream
        may go on for days."""
        looked_s = monotonic_s()

        async def send_if_known(message: Message) -> None:
            nonlocal looked_s
            if monotonic_s() - looked_s > LOOK_AGAIN_S:
                looked_s = monotonic_s()
                now = await self._access.identify(client, in_query=True)
                if now is None or now.sites != who.sites:
                    raise _NoLongerKnown
            await send(message)

        try:
            await self.app(scope, receive, send_if_known)
        except _NoLongerKnown:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _NoLongerKnown(Exception):
    """The reader of a stream was logged out, or may see other sites than at its beginning."""


def _wants_page(scope: Scope, client: Client) -> bool:
    return scope["method"] in ("GET", "HEAD") and "text/html" in client.headers.get("accept", "")


def log_in_address(scope: Scope) -> str:
    """The log-in that leads back here afterwards."""
    query = scope.get("query_string", b"").decode("latin-1")
    here = scope["path"] + (f"?{query}" if query else "")
    return LOGIN if here == "/" else f"{LOGIN}?next={quote(here, safe='/')}"


def _only_this_machine(client: Client) -> Forbidden:
    return Forbidden(
        "only-this-machine",
        Text(
            f"This plant answers only its own machine for now, and {client.address} is another, "
            "or asks under another name.",
            f"该工厂目前只响应本机访问，而 {client.address} 不是本机，或使用了其他主机名。",
        ),
        Text(
            "Open http://localhost on the machine itself and create the administrator there, or "
            "run on it: lianji user add NAME --role administrator.",
            "请在该机器上用 http://localhost 打开网页并创建管理员，"
            "或在其上运行：lianji user add 名称 --role administrator。",
        ),
    )
