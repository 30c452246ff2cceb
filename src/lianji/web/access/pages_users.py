"""/users and /audit: the administrator's pages of users, tokens and what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from lianji.base.errors import InputError, LianjiError, Text
from lianji.web.access.accounts import Accounts
from lianji.web.access.deeds import kept, once
from lianji.web.access.forms import Form, many
from lianji.web.access.guard import ADMINISTER, Kept, Who
from lianji.web.access.rendering import form_page, go_to
from lianji.web.access.roles import Role, Scope
from lianji.web.access.sites import words_of

router = APIRouter(dependencies=[ADMINISTER])

AUDIT_ROWS = 100
DAYS = ("30", "365", "1825", "")
"""What the page offers for a token's life; nothing: for ever."""


@dataclass(frozen=True, slots=True)
class NewToken:
    name: str
    secret: str


@router.get("/users")
async def users_page(request: Request, access: Kept) -> Response:
    return await _users(request, access.accounts)


@router.post("/users")
async def add_user(request: Request, access: Kept, who: Who, form: Form) -> Response:
    users = kept(access.accounts)

    def add() -> None:
        users.users.add(
            form.get("name", ""),
            role_of(form.get("role", "")),
            form.get("password", ""),
            who.name,
            sites=words_of(form.get("sites", "")),
        )

    return await _changed(request, access, form, add)


@router.post("/users/{name}/role")
async def set_role(request: Request, access: Kept, who: Who, form: Form, name: str) -> Response:
    accounts = kept(access.accounts)
    role = form.get("role", "")
    return await _changed(
        request, access, form, lambda: accounts.users.set_role(name, role_of(role), who.name)
    )


@router.post("/users/{name}/sites")
async def set_sites(request: Request, access: Kept, who: Who, form: Form, name: str) -> Response:
    accounts = kept(access.accounts)
    sites = words_of(form.get("sites", ""))
    return await _changed(
        request, access, form, lambda: accounts.users.set_sites(name, sites, who.name)
    )


@router.post("/users/{name}/password")
async def set_password(request: Request, access: Kept, who: Who, form: Form, name: str) -> Response:
    accounts = kept(access.accounts)
    password = form.get("password", "")
    return await _changed(
        request, access, form, lambda: accounts.users.set_password(name, password, who.name)
    )


@router.post("/users/{name}/sessions")
async def end_sessions(request: Request, access: Kept, who: Who, form: Form, name: str) -> Response:
    accounts = kept(access.accounts)

    def end() -> None:
        user = accounts.users.named(name)
        accounts.sessions.end_all(user.id, user.name, who.name)

    return await _changed(request, access, form, end)


@router.post("/users/{name}/remove")
async def remove_user(request: Request, access: Kept, who: Who, form: Form, name: str) -> Response:
    accounts = kept(access.accounts)
    return await _changed(request, access, form, lambda: accounts.users.remove(name, who.name))


@router.post("/tokens")
async def add_token(request: Request, access: Kept, who: Who, form: Form) -> Response:
    """The answer is the page with the token on it: the only time that it is seen."""
    accounts = kept(access.accounts)
    scopes = many(await request.body(), "scope")
    name, days = form.get("name", ""), form.get("days", "")
    sites = words_of(form.get("sites", ""))

    def add() -> str:
        return accounts.tokens.add(name, map(scope_of, scopes), days_of(days), who.name, sites)

    try:
        secret = await once(request, form, add)
    except LianjiError as error:
        return await _users(request, accounts, error=error)
    return await _users(request, accounts, new_token=NewToken(name.strip(), secret))


@router.post("/tokens/remove")
async def remove_token(request: Request, access: Kept, who: Who, form: Form) -> Response:
    accounts = kept(access.accounts)
    name = form.get("name", "")
    return await _changed(request, access, form, lambda: accounts.tokens.remove(name, who.name))


@router.get("/audit")
async def audit_page(
    request: Request,
    access: Kept,
    before: Annotated[int | None, Query(ge=1)] = None,
    verify: bool = False,
) -> Response:
    audit = await run_in_threadpool(lambda: kept(access.accounts).audit)
    entries = await run_in_threadpool(audit.newest, AUDIT_ROWS, before)
    verdict = await run_in_threadpool(audit.verify) if verify else None
    archived = await run_in_threadpool(audit.archived)
    return form_page("audit.html", request, entries=entries, verdict=verdict, archived=archived)


async def _changed(
    request: Request, access: Kept, form: Form, work: Callable[[], None]
) -> Response:
    try:
        await once(request, form, work)
    except LianjiError as error:
        return await _users(request, access.accounts, error=error)
    finally:
        access.forget()
    return go_to("/users")


async def _users(request: Request, accounts: Accounts | None, **more: Any) -> Response:
    there = kept(accounts)
    users = await run_in_threadpool(lambda: there.users.all())
    tokens = await run_in_threadpool(lambda: there.tokens.all())
    more.setdefault("new_token", None)
    return form_page(
        "users.html",
        request,
        users=users,
        tokens=tokens,
        roles=list(Role),
        scopes=list(Scope),
        days=DAYS,
        **more,
    )


def role_of(text: str) -> Role:
    """Raises InputError."""
    try:
        return Role(text)
    except ValueError as error:
        raise _unknown("role", "角色", text, list(Role)) from error


def scope_of(text: str) -> Scope:
    """Raises InputError."""
    try:
        return Scope(text)
    except ValueError as error:
        raise _unknown("scope", "权限", text, list(Scope)) from error


def days_of(text: str) -> int | None:
    """Nothing is for ever. Raises InputError."""
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text) > 6:
        raise InputError(
            "token-days-invalid",
            Text(f"{text[:20]!r} is no number of days.", f"“{text[:20]}”不是天数。"),
            Text("Write a whole number, or nothing.", "请填写整数，或留空。"),
        )
    return int(text)


def _unknown(what: str, what_zh: str, text: str, known: list[Any]) -> InputError:
    listed = ", ".join(known)
    return InputError(
        f"{what}-unknown",
        Text(f"There is no {what} {text[:40]!r}.", f"没有“{text[:40]}”这种{what_zh}。"),
        Text(f"Take one of {listed}.", f"可选：{listed}。"),
    )
