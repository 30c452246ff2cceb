"""Logging in: guesses are counted, then the password is looked at, then a session begins."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from lianji.base.errors import Text
from lianji.web.access.accounts import Accounts
from lianji.web.access.client import DEVICE_COOKIE, SESSION_COOKIE, Client
from lianji.web.access.secret_text import bound, new_secret, same
from lianji.web.access.throttle import ACCOUNT, ADDRESS, DEVICE, Rule, Throttle, TooOften
from lianji.web.faults import NotKnown

DEVICE_S = 31_536_000
WHO_NOBODY = "nobody"
NAME_SHOWN_MAX = 64


@dataclass(frozen=True, slots=True)
class Entered:
    """A log-in that went well: what the browser is to keep."""

    session: str
    device: str


def log_in(
    accounts: Accounts, throttle: Throttle, client: Client, name: str, password: str
) -> Entered:
    """Blocks as long as argon2. Raises NotKnown, alike for a wrong name and a wrong password and
    after the same time; TooOften; Busy."""
    key = name.strip().casefold()[:NAME_SHOWN_MAX]
    device = client.cookie(DEVICE_COOKIE)
    keys: list[tuple[Rule, str]] = [(ADDRESS, client.network), (ACCOUNT, key)]
    if _is_known(accounts, device, key):
        keys = [(DEVICE, device)]
    try:
        throttle.take(keys)
    except TooOften:
        if throttle.is_news(keys):
            _record(accounts, "log-in-blocked", client, name)
        raise
    user = accounts.users.with_password(name, password)
    if user is None:
        _record(accounts, "log-in-failed", client, name)
        raise _wrong()
    throttle.give_back(keys)
    agent = client.headers.get("user-agent", "")
    session = accounts.sessions.begin(user.id, user.name, client.address, agent)
    return Entered(session, device if _is_known(accounts, device, key) else _device(accounts, key))


def set_cookies(response: Response, client: Client, entered: Entered, session_h: float) -> None:
    _set(response, client, SESSION_COOKIE, entered.session, int(session_h * 3600))
    _set(response, client, DEVICE_COOKIE, entered.device, DEVICE_S)


def drop_session(response: Response, client: Client) -> None:
    response.delete_cookie(
        client.cookie_name(SESSION_COOKIE), httponly=True, samesite="lax", secure=client.is_https
    )


def set_form_cookie(response: Response, client: Client, name: str, value: str) -> None:
    response.set_cookie(
        client.cookie_name(name), value, httponly=True, samesite="strict", secure=client.is_https
    )


def _set(response: Response, client: Client, name: str, value: str, age_s: int) -> None:
    response.set_cookie(
        client.cookie_name(name),
        value,
        max_age=age_s,
        httponly=True,
        samesite="lax",
        secure=client.is_https,
    )


def _device(accounts: Accounts, key: str) -> str:
    nonce = new_secret()
    return f"{nonce}.{bound(accounts.device_secret, f'{nonce} {key}')}"


def _is_known(accounts: Accounts, device: str, key: str) -> bool:
    nonce, _, signature = device.partition(".")
    return bool(nonce) and same(signature, bound(accounts.device_secret, f"{nonce} {key}"))


def _record(accounts: Accounts, what: str, client: Client, name: str) -> None:
    shown = name.strip()[:NAME_SHOWN_MAX]
    accounts.record(WHO_NOBODY, what, {"user": shown, "address": client.address})


def _wrong() -> NotKnown:
    return NotKnown(
        "log-in-wrong",
        Text("The name or the password is wrong.", "用户名或密码错误。"),
        Text(
            "Try again; an administrator can set a new password.",
            "请重试；管理员可以为您设置新密码。",
        ),
    )
