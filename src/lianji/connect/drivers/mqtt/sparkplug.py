"""What a Sparkplug B host knows of its edge nodes, message by message.

A pure state machine: bytes and times go in, samples and requests for rebirth come out; no bytes
make it raise. It follows Sparkplug 3.0: births name metrics and give them aliases (section 6.4.6),
every message of a node counts its sequence number on (section 6.4.4), a death must carry the
``bdSeq`` of the birth that it ends (section 6.4.19).

Nothing is thrown away on suspicion: samples after a gap in the sequence are taken (each stands for
itself), and the births are asked for again. Historical samples come with their own times, late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from lianji.connect.drivers.mqtt.address import NAMESPACE, MetricAddress, ValueKind
from lianji.connect.drivers.mqtt.metric import read_metric, read_quality, read_time_us
from lianji.connect.drivers.mqtt.payload import PAYLOAD_BYTES_MAX
from lianji.connect.drivers.mqtt.rows import NO_VALUE, Rows
from lianji.connect.drivers.mqtt.sparkplug_b import Metric, Payload, parse_payload
from lianji.dictionary.quality import Quality

_UNCERTAIN = int(Quality.UNCERTAIN)
_UNKNOWN = int(Quality.BAD_NODE_ID_UNKNOWN)
_DEAD = int(Quality.BAD_NO_COMMUNICATION)
_NODE_CLOCK_AHEAD_US_MAX = 86_400_000_000

Target = tuple[int, ValueKind]


class Life(Enum):
    UNKNOWN = "unknown"
    BORN = "born"
    DEAD = "dead"


@dataclass(slots=True)
class Known:
    """A metric that a birth certificate named, and the tags that want it."""

    name: str
    datatype: int
    targets: Sequence[Target]


@dataclass(slots=True)
class Scope:
    """An edge node itself, or one device behind it."""

    wanted: dict[str, list[Target]] = field(default_factory=dict)
    life: Life = Life.UNKNOWN
    by_name: dict[str, Known] = field(default_factory=dict)
    by_alias: dict[int, Known] = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """One edge node: its scopes by device name ("" is the node) and its place in the sequence."""

    group: str
    edge: str
    scopes: dict[str, Scope] = field(default_factory=dict)
    next_seq: int | None = None
    bd_seq: int | None = None
    newest_us: int = 0
    wants_birth: bool = True
    asked_s: float = float("-inf")

    def scope(self, device: str) -> Scope:
        return self.scopes.setdefault(device, Scope())


@dataclass
class Counts:
    """What status shows."""

    births: int = 0
    deaths: int = 0
    stale_deaths: int = 0
    sequence_gaps: int = 0
    unknown_metrics: int = 0
    historical: int = 0
    clockless: int = 0
    rebirth_requests: int = 0

    def shown(self) -> dict[str, float | str]:
        return dict(vars(self))


class SparkplugHost:
    """All edge nodes that tags name; with ``every_node`` any node that speaks (for browsing)."""

    def __init__(self, rebirth_interval_s: float = 30.0, every_node: bool = False) -> None:
        self.counts = Counts()
        self.nodes: dict[tuple[str, str], Node] = {}
        self._rebirth_interval_s = rebirth_interval_s
        self._every_node = every_node

    def want(self, number: int, address: MetricAddress) -> None:
        node = self._node(address.group, address.edge)
        wanted = node.scope(address.device).wanted
        wanted.setdefault(address.metric, []).append((number, address.kind))

    def _node(self, group: str, edge: str) -> Node:
        return self.nodes.setdefault((group, edge), Node(group, edge))

    def due(self, now_s: float) -> Iterator[Node]:
        """Nodes to ask for a rebirth now; each at most once an interval (monotonic seconds)."""
        for node in self.nodes.values():
            if node.wants_birth and now_s - node.asked_s >= self._rebirth_interval_s:
                node.asked_s = now_s
                self.counts.rebirth_requests += 1
                yield node

    def receive(self, topic: str, raw: bytes, arrived_us: int, rows: Rows) -> str:
        """Take a message of the Sparkplug namespace; returns what was wrong with it, or ""."""
        address = _split(topic)
        if address is None:
            return ""
        group, verb, edge, device = address
        node = self._node(group, edge) if self._every_node else self.nodes.get((group, edge))
        if node is None:
            return ""
        if len(raw) > PAYLOAD_BYTES_MAX:
            return f"{len(raw)} bytes are more than the {PAYLOAD_BYTES_MAX} that are taken"
        try:
            payload = parse_payload(raw)
        except ValueError as error:
            node.wants_birth = True
            return str(error)
        if verb == "NDEATH":
            self._node_death(node, payload, arrived_us, rows)
            return ""
        if verb == "NBIRTH":
            self._begin(node, payload)
        else:
            self._count_on(node, payload)
        node.newest_us = max(node.newest_us, read_time_us(0, payload.timestamp) or 0)
        scope = node.scope(device) if self._every_node else node.scopes.get(device)
        if scope is None:  # nobody wants its metrics; it only counts in the sequence
            return ""
        if verb == "DDEATH":
            self._end(scope, _time_of_death(node, arrived_us), rows)
            return ""
        if verb == "NDATA" or verb == "DDATA":
            return self._data(node, scope, payload, arrived_us, rows)
        return self._birth(scope, payload, arrived_us, rows)

    def _begin(self, node: Node, payload: Payload) -> None:
        node.wants_birth = False
        node.next_seq = (payload.seq + 1) % 256
        node.bd_seq = _bd_seq(payload)

    def _count_on(self, node: Node, payload: Payload) -> None:
        if not payload.HasField("seq"):
            return
        seq = payload.seq % 256
        again = node.next_seq is not None and seq == (node.next_seq - 1) % 256
        if again:  # the broker may deliver a message twice
            return
        if node.next_seq is not None and seq != node.next_seq:
            self.counts.sequence_gaps += 1
            node.wants_birth = True
        node.next_seq = (seq + 1) % 256

    def _birth(self, scope: Scope, payload: Payload, arrived_us: int, rows: Rows) -> str:
        self.counts.births += 1
        scope.life = Life.BORN
        scope.by_name.clear()
        scope.by_alias.clear()
        wrong = ""
        for metric in payload.metrics:
            name = metric.name
            known = Known(name, metric.datatype, scope.wanted.get(name, ()))
            scope.by_name[name] = known
            if metric.HasField("alias"):
                scope.by_alias[metric.alias] = known
            if known.targets:
                wrong = self._take(metric, known, payload.timestamp, arrived_us, rows) or wrong
        time_us = read_time_us(0, payload.timestamp) or arrived_us
        for name in scope.wanted.keys() - scope.by_name.keys():
            wrong = f"the birth certificate names no metric '{name}'"
            for number, _ in scope.wanted[name]:
                rows.add(number, time_us, NO_VALUE, _UNKNOWN)
        return wrong

    def _data(self, node: Node, scope: Scope, payload: Payload, arrived_us: int, rows: Rows) -> str:
        wrong = ""
        if scope.life is not Life.BORN:
            node.wants_birth = True
        by_name, by_alias, payload_ms = scope.by_name, scope.by_alias, payload.timestamp
        for metric in payload.metrics:
            name = metric.name
            known = by_name.get(name) if name else by_alias.get(metric.alias)
            if known is None:
                known = self._stranger(node, scope, metric)
            if known is None:
                wrong = "a metric that no birth certificate named"
            elif known.targets:
                wrong = self._take(metric, known, payload_ms, arrived_us, rows) or wrong
        return wrong

    def _stranger(self, node: Node, scope: Scope, metric: Metric) -> Known | None:
        """A metric that no birth named: taken if it says its own name and datatype."""
        self.counts.unknown_metrics += 1
        node.wants_birth = True
        name = metric.name
        if name in scope.wanted and metric.HasField("datatype"):
            return Known(name, metric.datatype, scope.wanted[name])
        return None

    def _take(
        self, metric: Metric, known: Known, payload_ms: int, arrived_us: int, rows: Rows
    ) -> str:
        wrong, claimed = "", 0
        time_us = read_time_us(metric.timestamp, payload_ms)
        if time_us is None:
            self.counts.clockless += 1
            time_us, claimed = arrived_us, _UNCERTAIN
        if metric.HasField("properties"):
            claimed = read_quality(metric.properties) or claimed
        if metric.is_historical:
            self.counts.historical += 1
        datatype = known.datatype or metric.datatype
        for number, kind in known.targets:
            value, text, quality, reason = read_metric(metric, datatype, kind)
            rows.add(number, time_us, value, quality or claimed, text)
            wrong = reason or wrong
        return f"{known.name}: {wrong}" if wrong else ""

    def _node_death(self, node: Node, payload: Payload, arrived_us: int, rows: Rows) -> None:
        ended = _bd_seq(payload)
        if ended is not None and node.bd_seq is not None and ended != node.bd_seq:
            self.counts.stale_deaths += 1  # the will of an older session: the node lives
            return
        node.next_seq = None
        node.wants_birth = False  # it gives birth by itself when it comes back
        for scope in node.scopes.values():
            self._end(scope, _time_of_death(node, arrived_us), rows)

    def _end(self, scope: Scope, time_us: int, rows: Rows) -> None:
        if scope.life is Life.DEAD:
            return
        self.counts.deaths += 1
        scope.life = Life.DEAD
        scope.by_name.clear()
        scope.by_alias.clear()
        for targets in scope.wanted.values():
            for number, _ in targets:
                rows.add(number, time_us, NO_VALUE, _DEAD)


def _split(topic: str) -> tuple[str, str, str, str] | None:
    """Group, verb, edge node and device ("" for none) of a topic; None if it is not for a host."""
    parts = topic.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE:
        return None
    _, group, verb, edge = parts[:4]
    device = parts[4] if len(parts) == 5 else ""
    if verb not in (("DBIRTH", "DDATA", "DDEATH") if device else ("NBIRTH", "NDATA", "NDEATH")):
        return None
    return group, verb, edge, device


def _bd_seq(payload: Payload) -> int | None:
    for metric in payload.metrics:
        if metric.name == "bdSeq":
            return metric.long_value or metric.int_value
    return None


def _time_of_death(node: Node, arrived_us: int) -> int:
    """Now, but not before the node's newest sample: its clock may be ahead of ours.

    A death's own time is no use: a will was written when the session began.
    """
    ahead_us = node.newest_us - arrived_us
    return node.newest_us if 0 < ahead_us < _NODE_CLOCK_AHEAD_US_MAX else arrived_us
