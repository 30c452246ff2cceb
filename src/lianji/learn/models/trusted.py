"""``models/trusted.txt``: whose signed models a plant runs. One ``<key> <owner>`` a line.

``#`` begins a comment. A line that is wrong is told and trusts nobody; the others count.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from lianji.base.errors import InputError, LianjiError, StorageError, Text

FILE = "trusted.txt"
KEY_BYTES = 32
OWNER_MAX = 200


@dataclass(slots=True)
class Trusted:
    """Keys as ``bundle.key_text`` writes them, by whom they are owned; and what was wrong."""

    keys: dict[str, str] = field(default_factory=dict)
    errors: list[LianjiError] = field(default_factory=list)


def read_trusted(path: Path) -> Trusted:
    """What the file says; nobody is trusted where there is none. Never raises."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return Trusted()
    except (OSError, UnicodeDecodeError) as error:
        return Trusted(errors=[_unreadable(path, str(error))])
    found = Trusted()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=1)
        if words:
            _take(found, path.name, number, words)
    return found


def _take(found: Trusted, file: str, number: int, words: list[str]) -> None:
    key, owner = words[0], words[1].strip() if len(words) > 1 else ""
    if not _is_key(key):
        wrong = Text(f"{key[:60]!a} is no public key", f"{key[:60]!a} 不是公钥")
    elif not owner or len(owner) > OWNER_MAX:
        wrong = Text("it does not say whose key it is", "未说明密钥归属")
    elif key in found.keys:
        wrong = Text("the key stands there already", "该密钥已列出")
    else:
        found.keys[key] = owner
        return
    found.errors.append(_wrong(file, number, wrong))


def _is_key(text: str) -> bool:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return len(key) == KEY_BYTES and base64.b64encode(key).decode() == text


def _wrong(file: str, number: int, why: Text) -> InputError:
    return InputError(
        "trusted-line-invalid",
        Text(f"{file}, line {number}: {why.en}.", f"{file} 第 {number} 行：{why.zh}。"),
        Text(
            "Write a key as `lianji model key` shows it, a space, and whose it is.",
            "请填写 `lianji model key` 显示的密钥、空格及其归属。",
        ),
    )


def _unreadable(path: Path, why: str) -> StorageError:
    return StorageError(
        "trusted-unreadable",
        Text(f"{path} cannot be read: {why}.", f"无法读取 {path}：{why}。"),
        Text(
            "Until then no model is trusted: mend the file.", "修复前不信任任何模型：请修复该文件。"
        ),
    )
