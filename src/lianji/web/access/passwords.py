"""Passwords: argon2id, at most one at a time, and the same time for a user who is not there.

32 MiB and 3 passes (RFC 9106 asks for argon2id; OWASP's least is 19 MiB and 2 passes): about
a tenth of a second on a small box, which has the memory once and not once an attacker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from lianji.base.errors import Busy, InputError, Text

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")
LENGTH_MIN = 10
LENGTH_MAX = 1_000
WAITING_MAX = 8
"""So many may wait for their turn; a guesser cannot fill the threads."""
_COMMON = """
password password1 password12 password123 passw0rd1234 qwertyuiop qwerty12345 qwerty123456
1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc qazwsxedcrfv asdfghjkl; asdfghjkl1 zxcvbnm123
administrator admin12345 admin123456 adminadmin admin@123456 letmein123 welcome123
iloveyou123 changeme123 default123 abcdefghij abc1234567 abcd123456 abc123456789
a123456789 woaini1314 woaini520520 5201314520 woaini1314520 lianji12345 lianji123456
1234567890 12345678910 0123456789 0987654321 9876543210 123123123123 1234512345
q1w2e3r4t5 qq123456789 aa123456789 mima123456
"""


class Passwords:
    """Blocks for as long as a hash takes: ask it from a worker thread."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._room = threading.BoundedSemaphore(WAITING_MAX)
        self._made: PasswordHasher | None = None
        self._nobody = ""

    def hashed(self, password: str) -> str:
        return self._in_turn(lambda hasher: hasher.hash(password))

    def fits(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one of ``stored``; takes as long where there is none."""

        def compare(hasher: PasswordHasher) -> bool:
            from argon2.exceptions import InvalidHashError, VerificationError

            self._nobody = self._nobody or hasher.hash("nobody has this password")
            try:
                return hasher.verify(stored or self._nobody, password) and stored is not None
            except (VerificationError, InvalidHashError):
                return False

        return self._in_turn(compare) if len(password) <= LENGTH_MAX else False

    def _in_turn(self, work: Callable[[PasswordHasher], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise Busy(
                "log-in-busy",
                Text("Too many are logging in at once.", "同时登录的人过多。"),
                Text("Try again in a few seconds.", "请几秒后重试。"),
            )
        try:
            with self._turn:
                return work(self._hasher())
        finally:
            self._room.release()

    def _hasher(self) -> PasswordHasher:
        if self._made is None:
            from argon2 import PasswordHasher, Type

            self._made = PasswordHasher(3, 32 << 10, 1, type=Type.ID)
        return self._made


def check(password: str, name: str) -> None:
    """Raises InputError for a password that is guessed first (after NIST SP 800-63B, 5.1.1.2)."""
    low = password.casefold()
    if len(password) < LENGTH_MIN:
        raise _refused(
            "password-short",
            Text(
                f"The password has {len(password)} characters and needs {LENGTH_MIN}.",
                f"密码只有 {len(password)} 个字符，至少需要 {LENGTH_MIN} 个。",
            ),
        )
    if len(password) > LENGTH_MAX:
        raise _refused("password-long", Text("The password is too long.", "密码过长。"))
    if low in _COMMON.split() or len(set(low)) < 4 or (name and low.startswith(name.casefold())):
        raise _refused(
            "password-common",
            Text(
                "The password is among the first that are guessed.", "该密码过于常见，容易被猜中。"
            ),
        )


def _refused(code: str, cause: Text) -> InputError:
    return InputError(
        code,
        cause,
        Text(
            "Take a few words that belong together only for you.",
            "请使用几个只有您自己知道的词组成的长密码。",
        ),
    )
