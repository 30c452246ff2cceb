"""Which tags the drivers of a plant's devices could not read, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lianji.base.errors import Text
from lianji.connect.devices import driver_for
from lianji.connect.points import parse_tags
from lianji.dictionary.tag import Tag
from lianji.node.configuration import Configuration


def unread(configuration: Configuration, tags: Sequence[Tag]) -> Mapping[str, Text]:
    """By path, with the reason. A device that is not there says nothing of its tags."""
    by_device: dict[str, list[Tag]] = {}
    for tag in tags:
        if tag.device in configuration.devices:
            by_device.setdefault(tag.device, []).append(tag)
    found: dict[str, Text] = {}
    for device, some in by_device.items():
        parsed = parse_tags(driver_for(configuration.devices[device]), some)
        found.update((one.path, one.reason) for one in parsed.rejected.values())
    return found
