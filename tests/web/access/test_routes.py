"""Every route, as nobody, as each role and as each token: it is open to whom it says, no wider."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from lianji.web import faults
from lianji.web.access.access import OpenAccess
from lianji.web.access.described import NEEDS
from lianji.web.access.gate import gated_routes
from lianji.web.access.guard import READ
from lianji.web.access.roles import BY_ROLE, BY_SCOPE, Need, Role, Scope
from lianji.web.app import create_app
from tests.web.access.conftest import KEY, Site
from tests.web.plant import MELT, MemoryPlant

KNOWN = {
    ("GET", "/health"): Need.ANYBODY,
    ("GET", "/login"): Need.ANYBODY,
    ("GET", "/"): Need.READ,
    ("GET", "/chart"): Need.READ,
    ("GET", "/docs"): Need.READ,
    ("GET", "/openapi.json"): Need.READ,
    ("GET", "/api/status"): Need.READ,
    ("GET", "/api/read"): Need.READ,
    ("GET", "/api/live"): Need.READ,
    ("GET", "/api/annotations"): Need.READ,
    ("POST", "/api/annotations"): Need.OPERATE,
    ("DELETE", "/api/annotations"): Need.OPERATE,
    ("POST", "/write"): Need.PUSH,
    ("POST", "/api/v2/write"): Need.PUSH,
    ("POST", "/api/push/arrow"): Need.PUSH,
    ("GET", "/account"): Need.MEMBER,
    ("GET", "/users"): Need.ADMINISTER,
    ("POST", "/users"): Need.ADMINISTER,
    ("POST", "/tokens"): Need.ADMINISTER,
    ("GET", "/audit"): Need.ADMINISTER,
    ("POST", "/api/users"): Need.ADMINISTER,
    ("DELETE", "/api/tokens"): Need.ADMINISTER,
    ("GET", "/api/audit"): Need.ADMINISTER,
    ("GET", "/api/hub/messages"): Need.ADMINISTER,
    ("GET", "/jobs"): Need.READ,
    ("GET", "/api/jobs"): Need.READ,
    ("POST", "/api/jobs"): Need.CONFIGURE,
    ("POST", "/api/jobs/x/stop"): Need.CONFIGURE,
    ("GET", "/api/models/x/bundle"): Need.READ,
    ("POST", "/api/models/x/send"): Need.CONFIGURE,
}
"""What must never become wider without anybody noticing."""
_PUBLIC = {"/health", "/login", "/welcome", "/logout", "/static", "/api/me"}


def _app() -> FastAPI:
    return create_app(MemoryPlant(), OpenAccess())


def _routes() -> Iterator[tuple[str, str, list[Need]]]:
    """Method, path with its parameters filled in, needs."""
    app = _app()
    for gated in gated_routes(app, anybody=["/static"], read=["/openapi.json"]):
        path = re.sub(r"{\w+(:\w+)?}", "x", str(gated.route.path))  # type: ignore[union-attr]
        for method in sorted(getattr(gated.route, "methods", None) or {"GET"}):
            if method != "HEAD":
                yield method, path, list(gated.needs)


ROUTES = list(_routes())


def _asked(client: httpx.Client, method: str, path: str) -> int:
    """The status; a stream is not waited for."""
    if path == "/static":
        path = "/static/mark.svg"
    parameters = {"tags": MELT} if path.startswith("/api/") else {}
    with client.stream(method, path, params=parameters, follow_redirects=False) as answer:
        return answer.status_code


def _refused(status: int) -> bool:
    return status in (401, 403)


def test_the_walk_meets_every_page_and_every_operation_of_the_document() -> None:
    app = _app()
    walked = {(method, path) for method, path, _ in ROUTES}
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            assert (method.upper(), re.sub(r"{\w+}", "x", path)) in walked
    for context in iter_route_contexts(app.routes):
        assert any(path == re.sub(r"{\w+}", "x", str(context.path)) for _, path, _ in ROUTES)


def test_nothing_is_wider_than_it_was_meant_to_be() -> None:
    needs = {(method, path): set(needs) for method, path, needs in ROUTES}
    for route, need in KNOWN.items():
        assert need in needs[route], route
    assert {path for _, path, needs in ROUTES if set(needs) == {Need.ANYBODY}} == _PUBLIC


def test_nobody_gets_nothing_but_what_is_for_everybody(site: Site) -> None:
    client = site.client()
    for method, path, needs in ROUTES:
        status = _asked(client, method, path)
        public = set(needs) == {Need.ANYBODY}
        if path in ("/api/me", "/login", "/welcome", "/logout") and method != "GET":
            assert status in (303, 400, 401, 403), (method, path)  # no form, no log-in
        elif path == "/api/me":
            assert status == 401
        else:
            assert (status == 401) is not public, (method, path, status)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_what_it_has_and_nothing_else(site: Site, role: Role) -> None:
    site.accounts.users.add("Spare", Role.ADMINISTRATOR, "another horse battery", "test")
    for method, path, needs in ROUTES:
        client = site.member(role.value.title())
        allowed = set(needs) <= BY_ROLE[role]
        status = _asked(client, method, path)
        assert _refused(status) is not allowed, (role, method, path, needs, status)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_gets_what_its_scope_has_and_nothing_else(site: Site, scope: Scope) -> None:
    client = site.client(Authorization=f"Bearer {site.token(scope)}")
    for method, path, needs in ROUTES:
        allowed = set(needs) <= BY_SCOPE[scope]
        status = _asked(client, method, path)
        assert _refused(status) is not allowed, (scope, method, path, needs, status)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/nothing",
        "/api/status/",
        "//api/status",
        "/API/status",
        "/api/../api/status",
    ],
)
def test_what_is_no_route_is_not_even_denied_to_nobody(site: Site, path: str) -> None:
    assert site.client().get(path).status_code == 401


def test_an_app_with_a_route_that_says_nothing_is_not_made() -> None:
    app, router = FastAPI(), APIRouter()

    @router.get("/silent")
    def silent() -> None: ...

    app.include_router(router)
    with pytest.raises(RuntimeError, match="/silent does not say what it needs"):
        gated_routes(app, read=["/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"])


async def test_a_route_is_held_even_where_the_gate_is_not() -> None:
    """The dependency refuses by itself: the gate could be wrong about which route it is."""
    app = FastAPI()
    faults.install(app)

    @app.get("/held", dependencies=[READ])
    def held() -> str:
        return "secret"

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        assert (await client.get("/held")).status_code == 401


def test_the_document_says_what_each_operation_needs(site: Site) -> None:
    document = site.client(Authorization=f"Bearer {KEY}").get("/openapi.json").json()
    assert document["paths"]["/api/v2/write"]["post"][NEEDS] == ["push"]
    assert document["paths"]["/api/annotations"]["post"][NEEDS] == ["read", "operate"]
    assert document["paths"]["/health"]["get"]["security"] == []
