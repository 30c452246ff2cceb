"""Why a hub refuses somebody, with the status that says so by HTTP."""

from __future__ import annotations

from typing import ClassVar

from lianji.base.errors import InputError, LianjiError, Text


class Untrusted(InputError):
    """Who speaks is not known, or may not do this."""

    http_status = 403


class TooMuch(InputError):
    """The body is larger than anything that is sent here."""

    http_status = 413


class TooOften(LianjiError):
    """Too many attempts: try again after ``retry_after_s``."""

    http_status: ClassVar[int] = 429

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            "hub-asked-too-often",
            Text(
                f"Too many attempts from here: the next may be made in {wait_s} s.",
                f"尝试次数过多，{wait_s} 秒后可再试。",
            ),
            Text(
                "Wait, and check that the line of the invitation was copied whole.",
                "请稍候，并检查邀请命令是否完整复制。",
            ),
        )
        self.retry_after_s = wait_s
