"""Forms: posts of our own pages, by a token that no other page can know; their fields; their ids.

Beside the origin check of ``web.security``. A form brings the token of its session (or, before
the log-in, of a cookie) in the field ``csrf`` or the header ``X-CSRF-Token``. What a script sends
as anything but a form needs the browser's word that it comes from here (Origin, Sec-Fetch-Site),
which a page of another origin cannot forge, or the header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from starlette.types import Message, Receive, Scope

from lianji.base.errors import InputError, Text
from lianji.web.access.client import FORM_COOKIE, Client
from lianji.web.access.roles import Identity
from lianji.web.access.secret_text import same
from lianji.web.faults import Forbidden, TooLarge

FORM_TYPE = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 64 << 10
FIELDS_MAX = 100
HEADER = "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def check_origin_token(
    scope: Scope, receive: Receive, client: Client, who: Identity | None
) -> Receive:
    """Raises Forbidden for a post that is not of our own page; returns the body's source.

    Programs with a token or key are not asked: no browser sends those by itself.
    """
    if scope["method"] in _SAFE or (who is not None and who.kind != "session"):
        return receive
    expected = who.csrf if who is not None else client.cookie(FORM_COOKIE)
    sent = client.headers.get(HEADER, "")
    if sent:
        _compare(sent, expected)
        return receive
    if client.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM_TYPE:
        body = await _body(receive, client)
        _compare(_fields(body).get("csrf", ""), expected)
        return _again(body, receive)
    if who is not None and not _says_it_is_ours(client):
        raise _foreign()
    return receive


async def _form(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise InputError(
            "form-expected",
            Text("This takes a form.", "此处需要表单。"),
            Text(f"Send it as {FORM_TYPE}.", f"请以 {FORM_TYPE} 格式发送。"),
        )
    return _fields(await request.body())


Form = Annotated[Mapping[str, str], Depends(_form)]
"""The fields of a small form; of one that comes twice, the last."""


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(
            parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        )
    except ValueError as error:
        raise InputError(
            "form-invalid",
            Text("The form cannot be read.", "无法读取表单。"),
            Text("Send it again from the page.", "请从网页重新提交。"),
        ) from error


def many(form_body: bytes, name: str) -> list[str]:
    """Every value of a field that may come several times."""
    return [value for field, value in parse_qsl(form_body.decode("utf-8")) if field == name]


async def _body(receive: Receive, client: Client) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > FORM_BYTES_MAX:
            raise TooLarge(
                "form-too-large",
                Text("The form is larger than 64 KiB.", "表单超过 64 KiB。"),
                Text("Send less at once.", "请减少内容。"),
            )
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    waiting = [_message(body)]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _message(body: bytes) -> Message:
    return {"type": "http.request", "body": body, "more_body": False}


def _says_it_is_ours(client: Client) -> bool:
    origin = client.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == client.headers.get("host")
    return client.headers.get("sec-fetch-site") == "same-origin"


def _compare(sent: str, expected: str) -> None:
    if not expected or not same(sent, expected):
        raise _foreign()


def _foreign() -> Forbidden:
    return Forbidden(
        "form-foreign",
        Text(
            "The form is not of a page that Lianji gave to this browser, or it is too old.",
            "该表单并非来自联机提供给此浏览器的页面，或已过期。",
        ),
        Text("Load the page again and send it from there.", "请重新加载页面后再提交。"),
    )
