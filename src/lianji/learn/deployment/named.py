"""How people write a version of a model: ``name@3``."""

from __future__ import annotations

from lianji.base.errors import InputError, Text


def parted(text: str) -> tuple[str, int]:
    """Name and version. Raises InputError."""
    name, _, version = text.partition("@")
    if not name or not version.isdecimal():
        raise InputError(
            "model-name",
            Text(f"{text!r} names no version of a model.", f"{text!r} 不是模型版本。"),
            Text("Write it as name@3.", "请写成 名称@3。"),
        )
    return name, int(version)
