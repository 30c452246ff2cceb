"""The line that a hub prints and a person pastes at the plant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lianji.base.errors import InputError, Text
from lianji.relay.settings import https_address
from lianji.relay.trust.names import is_name

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Invitation:
    """``address`` is https://host:port; ``fingerprint`` the SHA-256 of the hub's root, hex."""

    address: str
    token: str
    fingerprint: str

    @classmethod
    def of(cls, address: str, token: str, fingerprint: str) -> Invitation:
        """Checked, with what people do to fingerprints undone. Raises InputError."""
        plain = re.sub(r"[\s:-]", "", fingerprint).lower()
        try:
            checked = https_address(address)
        except ValueError as error:
            raise _wrong(str(error), "地址无效") from error
        if not _FINGERPRINT.fullmatch(plain):
            raise _wrong("the fingerprint has not 64 hex digits", "指纹不是 64 位十六进制")
        invitation = cls(checked, token.strip(), plain)
        if not is_name(invitation.edge):
            raise _wrong("the token is not whole", "令牌不完整")
        return invitation

    @property
    def edge(self) -> str:
        """Who is invited."""
        return self.token.rpartition(".")[0]

    def __str__(self) -> str:
        return f"lianji join {self.address} {self.token} --hub {self.fingerprint}"


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "invitation-invalid",
        Text(f"This is no invitation: {en}.", f"邀请命令无效：{zh}。"),
        Text(
            "Paste the whole line that `lianji hub invite` printed.",
            "请完整粘贴 `lianji hub invite` 输出的命令。",
        ),
    )
