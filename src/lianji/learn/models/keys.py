"""The key that signs models: made at first use, kept where only its owner reads it (Ed25519)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import StorageError, Text
from lianji.base.ids import new_id

KEY_MODE = 0o600


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The key that lies there (PKCS #8, PEM), made if there is none.

    Two processes that come at once get the same one. Raises StorageError for a file that is no
    such key, OSError.
    """
    if not path.exists():
        _make(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def _make(path: Path) -> None:
    make_folder(path.parent.resolve())
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{new_id().hex()}")
    write_atomically(draft, pem, KEY_MODE)
    try:
        with suppress(FileExistsError):  # somebody was quicker: that key counts
            os.link(draft, path)
    finally:
        draft.unlink()
    sync_folder(path.parent)


def _no_key(path: Path) -> StorageError:
    return StorageError(
        "model-key-damaged",
        Text(f"{path} is no Ed25519 key.", f"{path} 不是 Ed25519 密钥。"),
        Text(
            "Put it back from a backup; or remove it, then a new one is made, which every plant "
            "has to be told to trust.",
            "请从备份恢复该文件；或将其删除以生成新密钥，届时各工厂须重新信任新密钥。",
        ),
    )
