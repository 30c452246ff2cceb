"""The way in and out: /welcome, /login, /logout, /account."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from lianji.base.errors import InputError, LianjiError, Text
from lianji.web.access import pages_users
from lianji.web.access.accounts import Accounts
from lianji.web.access.client import Client
from lianji.web.access.deeds import kept, once
from lianji.web.access.forms import Form
from lianji.web.access.guard import ANYBODY, MEMBER, Kept, Who
from lianji.web.access.log_in import Entered, drop_session, log_in, set_cookies
from lianji.web.access.rendering import form_page, go_to, local_address
from lianji.web.access.roles import Identity, Need, Role
from lianji.web.access.throttle import ACCOUNT
from lianji.web.asked import Lang, Plant

router = APIRouter(include_in_schema=False)
router.include_router(pages_users.router)

TITLE_MAX = 100


@router.get("/welcome", dependencies=[ANYBODY])
async def welcome_page(request: Request, access: Kept, plant: Plant) -> Response:
    """The first step while there is no administrator, the second afterwards."""
    if await access.first_run():
        return form_page("welcome.html", request, given={})
    if request.state.who is None:
        return go_to("/login")
    demo, client = plant.demo, request.state.client
    offered = demo is not None and demo.may_start and client.is_this_machine
    may = Need.ADMINISTER in request.state.who.may
    return form_page("welcome-next.html", request, demo_offered=offered and may)


@router.post("/welcome", dependencies=[ANYBODY])
async def welcome(
    request: Request, access: Kept, plant: Plant, language: Lang, form: Form
) -> Response:
    """Create the administrator, name the site, log in."""
    accounts = kept(access.accounts)
    client: Client = request.state.client

    def begin() -> Entered:
        title = _title(form.get("title", ""))
        _alike(form)
        name, password = form.get("name", ""), form.get("password", "")
        user = accounts.users.add(name, Role.ADMINISTRATOR, password, "first run", first=True)
        if title:
            titles = ("", title) if language == "zh" else (title, "")
            plant.name_site(*titles)
            accounts.record(user.name, "site-named", {"title": title})
        access.forget()
        return log_in(accounts, request.app.state.throttle, client, name, password)

    try:
        entered = await once(request, form, begin)
    except LianjiError as error:
        return form_page("welcome.html", request, error=error, given=form)
    return _entered(request, accounts, entered, "/welcome")


@router.get("/login", dependencies=[ANYBODY])
async def login_page(request: Request, next: str = "/") -> Response:
    if request.state.who is not None:
        return go_to(local_address(next))
    return form_page("login.html", request, next=local_address(next), name="")


@router.post("/login", dependencies=[ANYBODY])
async def login(request: Request, access: Kept, form: Form) -> Response:
    accounts = kept(access.accounts)
    client: Client = request.state.client
    name, password = form.get("name", ""), form.get("password", "")
    goal = local_address(form.get("next", "/"))
    throttle = request.app.state.throttle
    try:
        entered = await once(
            request, form, lambda: log_in(accounts, throttle, client, name, password)
        )
    except LianjiError as error:
        return form_page("login.html", request, error=error, next=goal, name=name)
    return _entered(request, accounts, entered, goal)


@router.post("/logout", dependencies=[ANYBODY])
async def logout(request: Request, access: Kept) -> Response:
    client: Client = request.state.client
    who: Identity | None = request.state.who
    if who is not None and who.session:
        await run_in_threadpool(kept(access.accounts).sessions.end, who.session, who.name)
        access.forget()
    response = go_to("/login")
    drop_session(response, client)
    return response


@router.get("/account", dependencies=[MEMBER])
async def account_page(request: Request, access: Kept, who: Who, done: str = "") -> Response:
    return await _account(request, access.accounts, who, done=done)


@router.post("/account/password", dependencies=[MEMBER])
async def own_password(request: Request, access: Kept, who: Who, form: Form) -> Response:
    """A new password for oneself, with the old one; all other sessions end."""
    accounts = kept(access.accounts)

    def change() -> None:
        _alike(form)
        keys = [(ACCOUNT, f"own {who.user_id}")]
        request.app.state.throttle.take(keys)
        if accounts.users.with_password(who.name, form.get("old", "")) is None:
            raise _old_is_wrong()
        request.app.state.throttle.give_back(keys)
        accounts.users.set_password(who.name, form.get("password", ""), who.name, who.session)
        access.forget()

    try:
        await once(request, form, change)
    except LianjiError as error:
        return await _account(request, accounts, who, error=error)
    return go_to("/account?done=password")


@router.post("/account/sessions", dependencies=[MEMBER])
async def end_own_sessions(request: Request, access: Kept, who: Who, form: Form) -> Response:
    """Log out everywhere but here."""
    accounts = kept(access.accounts)

    def end() -> None:
        accounts.sessions.end_all(who.user_id, who.name, who.name, who.session)
        access.forget()

    await once(request, form, end)
    return go_to("/account?done=sessions")


async def _account(
    request: Request,
    accounts: Accounts | None,
    who: Identity,
    done: str = "",
    error: LianjiError | None = None,
) -> Response:
    sessions = await run_in_threadpool(lambda: kept(accounts).sessions.of_user(who.user_id))
    return form_page(
        "account.html", request, error=error, sessions=sessions, here=who.session, done=done
    )


def _entered(request: Request, accounts: Accounts, entered: Entered, goal: str) -> Response:
    response = go_to(goal)
    set_cookies(response, request.state.client, entered, accounts.session_h)
    return response


def _alike(form: Form) -> None:
    if form.get("password", "") != form.get("again", ""):
        raise InputError(
            "passwords-differ",
            Text("The two passwords are not the same.", "两次输入的密码不一致。"),
            Text("Type it twice.", "请重新输入两次。"),
        )


def _old_is_wrong() -> InputError:
    return InputError(
        "password-wrong",
        Text("The present password is wrong.", "当前密码错误。"),
        Text("Type it again.", "请重新输入。"),
    )


def _title(text: str) -> str:
    title = text.strip()
    if len(title) > TITLE_MAX or not title.isprintable():
        raise InputError(
            "site-title-invalid",
            Text("The name of the plant is too long.", "工厂名称过长。"),
            Text("Use at most 100 characters.", "请不超过 100 个字符。"),
        )
    return title
