"""What went wrong with a notification, as one error that a person can act on."""

from __future__ import annotations

from lianji.base.errors import LianjiError, Text


class NotSent(LianjiError):
    """A message was not taken by the other side."""

    http_status = 502


def not_sent(to: str, why: str) -> NotSent:
    """``why`` is what the library or the other side said."""
    said = " ".join(why.split())[:300]
    return NotSent(
        "notify-failed",
        Text(f"{to} did not take the message: {said}.", f"{to} 未接收通知：{said}。"),
        Text(
            "See that the address, the key and the network are right; it is tried again.",
            "请检查地址、密钥和网络；系统会自动重试。",
        ),
    )
