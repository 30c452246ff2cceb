"""``lianji.toml``, changed by a program: comments and the rest stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tomlkit
from tomlkit.exceptions import TOMLKitError

from lianji.base.durable import write_atomically
from lianji.base.errors import InputError, StorageError, Text
from lianji.node.folder import PlantFolder


def write_titles(folder: PlantFolder, title_en: str, title_zh: str) -> None:
    """Write the titles that are not empty. Raises InputError, StorageError."""
    with changed(folder) as document:
        site = document.setdefault("site", tomlkit.table())
        for key, title in (("title_en", title_en), ("title_zh", title_zh)):
            if title:
                site[key] = title


@contextmanager
def changed(folder: PlantFolder) -> Iterator[tomlkit.TOMLDocument]:
    """The document, to be changed within; it is written when that went well.

    Raises InputError, StorageError.
    """
    try:
        document = tomlkit.parse(folder.settings.read_text(encoding="utf-8-sig"))
    except TOMLKitError as error:
        raise InputError(
            "settings-invalid",
            Text(
                f"{folder.settings} is not TOML: {error}.", f"{folder.settings} 不是有效的 TOML。"
            ),
            Text("Mend the file and try again.", "请修改该文件后重试。"),
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    yield document
    try:
        write_atomically(folder.settings, tomlkit.dumps(document).encode())
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: PlantFolder, error: OSError) -> StorageError:
    return StorageError(
        "settings-unwritable",
        Text(
            f"{folder.settings} cannot be written: {error.strerror}.",
            f"无法写入 {folder.settings}：{error.strerror}。",
        ),
        Text(
            "Give the user that runs Lianji the right to write there.",
            "请授予运行用户写权限。",
        ),
    )
