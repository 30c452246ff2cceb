"""Which devices a new configuration starts, stops or changes; the others are not touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lianji.dictionary.tag import Tag
from lianji.node.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Devices:
    """Names of devices."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def touched(self) -> tuple[str, ...]:
        """Those that are read in a new way."""
        return self.added + self.changed


def changed_devices(old: Configuration | None, new: Configuration) -> Devices:
    if old is None:
        return Devices(tuple(new.devices), (), ())
    before, after = old.by_device(), new.by_device()
    changed = [
        name
        for name, config in new.devices.items()
        if name in old.devices
        and (config != old.devices[name] or not _read_alike(before[name], after[name]))
    ]
    return Devices(
        tuple(name for name in new.devices if name not in old.devices),
        tuple(changed),
        tuple(name for name in old.devices if name not in new.devices),
    )


def _read_alike(old: Sequence[Tag], new: Sequence[Tag]) -> bool:
    return len(old) == len(new) and all(
        one is other or _reading(one) == _reading(other)
        for one, other in zip(old, new, strict=True)
    )


def _reading(tag: Tag) -> tuple[object, ...]:
    """All of a tag that its device needs to know; what it is called is for people."""
    return (
        tag.path,
        tag.address,
        tag.type,
        tag.scale,
        tag.offset,
        tag.interval_ms,
        tag.deadband,
    )
