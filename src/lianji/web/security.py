"""Headers that keep a page to itself, and no writing from pages of other origins.

Pure ASGI: a body that streams through here is neither copied nor held.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lianji.base.errors import Text
from lianji.web.faults import Forbidden, fault_response

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Security:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        app = self.app if _may_write(scope) else fault_response(_foreign())
        await app(scope, receive, send_with_headers)


def _may_write(scope: Scope) -> bool:
    """A browser names the origin of every page that writes; Telegraf and curl name none."""
    if scope["method"] in _SAFE_METHODS:
        return True
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _foreign() -> Forbidden:
    return Forbidden(
        "foreign-origin",
        Text("A page of another origin tried to write here.", "来自其他来源的网页试图写入。"),
        Text("Write from Lianji's own pages or from a program.", "请从联机自己的页面或程序写入。"),
    )
