"""One error type: what happened, why, and what to do next, in English and in Chinese.

    LianjiError                  everything that a user may see
    +-- InputError               the input is wrong: mend it and try again
    |   +-- Conflict             somebody else was quicker: look again
    +-- DeviceError              a device did not do what was asked of it
    |   +-- LinkDown             no connection (refused, reset, closed)
    |   +-- DeviceTimeout        no answer in time
    |   +-- Desync               an answer that does not belong to the question
    |   +-- Refused              the device understood and said no
    +-- StorageError             the disk is full, damaged or not ours
    +-- NotFound                 no such plant, device or tag
    +-- Busy                     refused under pressure: nothing was taken, try later

A page, the command line and the HTTP API all show the same three sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.en

    def in_language(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


def counted(count: int, thing: str) -> str:
    """``1 tag``, ``2,000 tags``: Chinese needs no such thing."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


class LianjiError(Exception):
    """A failure that a person can act on.

    ``code`` is stable and machine-readable (kebab-case), ``cause`` says what happened and why,
    ``remedy`` says what to do next.
    """

    http_status: ClassVar[int] = 500

    def __init__(self, code: str, cause: Text, remedy: Text) -> None:
        super().__init__(code, cause, remedy)
        self.code = code
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause.en} {self.remedy.en} [{self.code}]"

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "cause": {"en": self.cause.en, "zh": self.cause.zh},
            "remedy": {"en": self.remedy.en, "zh": self.remedy.zh},
        }


class InputError(LianjiError):
    http_status = 400


class Conflict(InputError):
    """What the input was made from is no longer so: somebody else was quicker."""

    http_status = 409


class NotFound(LianjiError):
    http_status = 404


class Busy(LianjiError):
    http_status = 503


class StorageError(LianjiError):
    http_status = 507


class DeviceError(LianjiError):
    http_status = 502


class LinkDown(DeviceError):
    """No connection: refused, unreachable, reset or closed by the other side."""


class DeviceTimeout(DeviceError):
    """The device did not answer within its time-out."""


class Desync(DeviceError):
    """An answer that does not belong to the question: another id, another unit, garbage."""


class Refused(DeviceError):
    """The device understood the question and said no (an exception code, a bad status).

    ``transient`` is set by a driver where the no is about the moment (busy, a failure inside)
    and not about the address; only a lasting no teaches which addresses are forbidden.
    """

    transient: bool = False
