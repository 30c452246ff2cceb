"""What a tag's address means: a topic, a place in a topic's JSON, or a Sparkplug metric.

    plant/imm1/power                    the whole payload: a number, true or false, or a text
    plant/imm1/data#temps[2].value      a place in the payload's JSON
    plant/imm1/data#["a.b"].value       a key that holds a dot, bracket or quote, as a JSON string
    spb:Group/Edge#Folder/Metric        a metric of a Sparkplug edge node
    spb:Group/Edge/Device#Folder/Metric a metric of a device behind it

``#`` is never part of a topic that is published (MQTT 3.1.1, section 4.7.1), and Sparkplug's
ids hold neither ``/``, ``+`` nor ``#`` (Sparkplug 3.0, section 4.1), so there is one reading only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["auto", "number", "string"]
Step = str | int

SPARKPLUG = "spb:"
NAMESPACE = "spBv1.0"
PATH_STEPS_MAX = 32
TOPIC_BYTES_MAX = 65_535

_KINDS: dict[str, ValueKind] = {
    "": "auto",
    "auto": "auto",
    "number": "number",
    "bool": "number",
    "string": "string",
}
_PLAIN_KEY = re.compile(r"[^.\[\]\"]+")
_INDEX = re.compile(r"\[(\d{1,9})\]")
_QUOTED = re.compile(r'\[("(?:[^"\\]|\\.)*")\]')


@dataclass(frozen=True, slots=True)
class TopicAddress:
    """A topic, and the place in its JSON; ``path`` is None where the payload is the value."""

    topic: str
    path: tuple[Step, ...] | None
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class MetricAddress:
    """A Sparkplug metric; ``device`` is empty for a metric of the edge node itself."""

    group: str
    edge: str
    device: str
    metric: str
    kind: ValueKind


def parse_address(address: str, type_name: str) -> TopicAddress | MetricAddress:
    """The address of a tag. Raises ValueError in plain words."""
    kind = _KINDS.get(type_name.strip().lower())
    if kind is None:
        raise ValueError(
            f"'{type_name}' is not a type for MQTT: leave it empty, or say number, bool or string"
        )
    if address.startswith(SPARKPLUG):
        return _metric(address, kind)
    topic, mark, path = address.partition("#")
    check_topic(topic)
    if not mark:
        return TopicAddress(topic, None, kind)
    if not path:
        raise ValueError(f"'{address}' ends with '#': say which JSON value is meant")
    return TopicAddress(topic, parse_path(path), kind)


def check_topic(topic: str) -> None:
    """Raises ValueError for what cannot be the topic of a message."""
    if not topic:
        raise ValueError("the address is empty: it is a topic, such as plant/press1/power")
    if "+" in topic or "#" in topic or "\x00" in topic:
        raise ValueError(f"'{topic}' is not the topic of one message: it may not hold '+' or '#'")
    if len(topic.encode("utf-8", "replace")) > TOPIC_BYTES_MAX:
        raise ValueError(f"a topic has at most {TOPIC_BYTES_MAX} bytes")


def _metric(address: str, kind: ValueKind) -> MetricAddress:
    place, _, metric = address.removeprefix(SPARKPLUG).partition("#")
    parts = place.split("/")
    if not metric or len(parts) not in (2, 3) or not all(parts) or "+" in place:
        raise ValueError(
            f"'{address}' is not a Sparkplug address: it reads spb:Group/Edge#Metric "
            "or spb:Group/Edge/Device#Metric"
        )
    return MetricAddress(parts[0], parts[1], parts[2] if len(parts) == 3 else "", metric, kind)


def parse_path(path: str) -> tuple[Step, ...]:
    """``temps[2].value`` as ``("temps", 2, "value")``. Raises ValueError in plain words."""
    steps: list[Step] = []
    place = 0
    while place < len(path):
        if path[place] == "[":
            step, place = _bracket(path, place)
        else:
            if steps and path[place] == ".":
                place += 1
            elif steps:
                raise ValueError(f"'{path}': a '.' or '[' is missing before '{path[place:]}'")
            found = _PLAIN_KEY.match(path, place)
            if found is None:
                raise ValueError(f"'{path}': a name is missing at '{path[place:]}'")
            step, place = found[0], found.end()
        steps.append(step)
        if len(steps) > PATH_STEPS_MAX:
            raise ValueError(f"a JSON path has at most {PATH_STEPS_MAX} steps")
    if not steps or path.endswith("."):
        raise ValueError(f"'{path}' is not a JSON path such as temps[2].value")
    return tuple(steps)


def _bracket(path: str, place: int) -> tuple[Step, int]:
    if found := _INDEX.match(path, place):
        return int(found[1]), found.end()
    if found := _QUOTED.match(path, place):
        try:
            return str(json.loads(found[1])), found.end()
        except ValueError as error:
            raise ValueError(f"'{path}': {found[1]} is not a JSON string") from error
    raise ValueError(f"'{path}': brackets hold a number or a \"quoted name\"")


def path_text(steps: tuple[Step, ...]) -> str:
    """The text that ``parse_path`` reads as these steps."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text
