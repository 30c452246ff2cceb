"""The keys of a hub, handed to a second hub of the same owner, so that it can take its place.

Edges pin the root of their hub. Whoever takes its place must have that root's key: the hubs of a
group are one authority. So who has one of them has all, and each keeps its keys as the first does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import InputError, Text
from lianji.relay.trust.authority import KEY_MODE, Authority

FILES = ("signing.key", "ca.key", "ca.pem")
"""In this order: where ``ca.pem`` is, the others are."""


def keys_of(folder: Path) -> dict[str, str]:
    """Raises OSError."""
    return {name: (folder / name).read_text() for name in FILES}


def take_keys(folder: Path, keys: Mapping[str, object], fingerprint: str) -> Authority:
    """Be that authority from now on; what was here of another is gone.

    Raises InputError if these are not the keys of the authority with that fingerprint; then what
    was here stays. StorageError, OSError.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    make_folder(draft.resolve())
    draft.chmod(0o700)
    try:
        _write(draft, keys)
        if Authority(draft).fingerprint != fingerprint:
            raise _wrong("they are another authority's", "属于其他机构")
        make_folder(folder.resolve())
        for name in ("ca.pem", "door.pem"):
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
        _write(folder, keys)
    finally:
        for name in (*FILES, "door.pem"):
            (draft / name).unlink(missing_ok=True)
        draft.rmdir()
    return Authority(folder)


def _write(folder: Path, keys: Mapping[str, object]) -> None:
    for name in FILES:
        content = keys.get(name)
        if not isinstance(content, str):
            raise _wrong(f"{name} is missing", f"缺少 {name}")
        write_atomically(folder / name, content.encode(), KEY_MODE)


def _wrong(en: str, zh: str) -> InputError:
    return InputError(
        "hub-keys-wrong",
        Text(f"The other hub's keys are no use: {en}.", f"对方中心的密钥无效：{zh}。"),
        Text(
            "Make a new invitation with `lianji hub pair` there.",
            "请在对方用 `lianji hub pair` 重新生成邀请。",
        ),
    )
