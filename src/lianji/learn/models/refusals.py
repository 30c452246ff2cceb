"""Why the registry says no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lianji.base.clock import iso_of
from lianji.base.errors import Busy, InputError, NotFound, StorageError, Text
from lianji.learn.models.card import Card


def unknown(
    name: str, version: int | None, versions: Sequence[int], names: Sequence[str]
) -> NotFound:
    if not versions:
        listed = ", ".join(names) or "-"
        return NotFound(
            "model-unknown",
            Text(f"There is no model {name[:63]!a}.", f"没有名为 {name[:63]!a} 的模型。"),
            Text(f"There are: {listed}.", f"现有：{listed}。"),
        )
    listed = ", ".join(map(str, versions))
    return NotFound(
        "model-version-unknown",
        Text(f"{name} has no version {version}.", f"{name} 没有版本 {version}。"),
        Text(f"There are: {listed}.", f"现有版本：{listed}。"),
    )


def damaged(folder: Path, why: str) -> StorageError:
    return StorageError(
        "model-damaged",
        Text(f"{folder} is damaged: {why}.", f"{folder} 已损坏：{why}。"),
        Text(
            "Put the folder back from a backup, or remove it and register the model again.",
            "请从备份恢复该文件夹，或将其删除后重新登记模型。",
        ),
    )


def busy(name: str) -> Busy:
    return Busy(
        "model-busy",
        Text(
            f"Another process registers a version of {name} just now.",
            f"另一个进程正在登记 {name} 的版本。",
        ),
        Text("Wait until it is done and try again.", "请等待其完成后重试。"),
    )


def expired(card: Card) -> InputError:
    until = iso_of(card.expires_us)
    return InputError(
        "model-expired",
        Text(
            f"{card.name}@{card.version} expired at {until}: no plant would run it.",
            f"{card.name}@{card.version} 已于 {until} 过期，工厂不会运行它。",
        ),
        Text("Train it again on newer data.", "请用较新的数据重新训练。"),
    )


def unsigned(name: str, version: int) -> InputError:
    return InputError(
        "model-unsigned",
        Text(f"{name}@{version} is not signed yet.", f"{name}@{version} 尚未签名。"),
        Text(
            f"Look at it, then sign it: lianji model sign {name}@{version}",
            f"请确认后签名：lianji model sign {name}@{version}",
        ),
    )
