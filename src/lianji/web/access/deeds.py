"""What the handlers of forms share: the accounts, and doing a thing once and in a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from lianji.base.errors import NotFound, Text
from lianji.web.access.accounts import Accounts
from lianji.web.access.forms import Form
from lianji.web.access.secret_text import digest_of

T = TypeVar("T")


def kept(accounts: Accounts | None) -> Accounts:
    """Raises NotFound where everybody is administrator and nothing is kept."""
    if accounts is None:
        raise NotFound(
            "accounts-missing",
            Text("This plant keeps no users.", "该工厂未启用用户管理。"),
            Text("Take `open = true` out of lianji.toml.", "请删除 lianji.toml 中的 open = true。"),
        )
    return accounts


async def once(request: Request, form: Form, work: Callable[[], T]) -> T:
    """Do the work in a thread, once for each form that was made and filled in like this."""

    async def in_thread() -> T:
        return await run_in_threadpool(work)

    do: Callable[[str, Callable[[], Awaitable[T]]], Awaitable[T]] = request.app.state.once.do
    identity = form.get("once", "")
    filled = digest_of(repr((request.url.path, sorted(form.items()))))
    return await do(filled if identity else "", in_thread)
