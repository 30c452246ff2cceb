"""Whose signatures a plant believes: ``models/trusted.txt``, one ``<key> <owner>`` a line."""

from __future__ import annotations

from pathlib import Path

from lianji.base.errors import InputError, Text

FILE = "trusted.txt"
KEY_LENGTH = 44
"""Of 32 bytes in base64 (``bundle.key_text``)."""


def read_trusted(path: Path) -> dict[str, str]:
    """Keys to their owners; none where there is no file. ``#`` begins a remark.

    Raises InputError for a line that holds no key.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        key, _, owner = line.partition("#")[0].strip().partition(" ")
        if not key:
            continue
        if len(key) != KEY_LENGTH:
            raise _no_key(path, number)
        found[key] = owner.strip() or key[:8]
    return found


def _no_key(path: Path, line: int) -> InputError:
    return InputError(
        "trusted-invalid",
        Text(f"{path}, line {line}: this is no public key.", f"{path} 第 {line} 行：不是公钥。"),
        Text(
            "Write: KEY OWNER, the key in 44 characters.", "请写成：密钥 所有者，密钥为 44 个字符。"
        ),
    )
