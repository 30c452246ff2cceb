"""What an edge began to send before it was shut out, and ended after it, is not taken."""

from __future__ import annotations

from pathlib import Path

from lianji.relay.receiving import Sender
from lianji.relay.trust.refusals import Untrusted
from tests.relay.world import NO_WORDS, Gate, hub_and_edge, until


class ShutOutMeanwhile(Gate):
    """Lets in whoever asks for the ledger and the head of a body, and then no more."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def sender(self, certificate: bytes | None) -> Sender:
        self.asked += 1
        if self.asked > 2:
            raise Untrusted("edge-revoked", *NO_WORDS)
        return super().sender(certificate)


def test_a_body_that_outlives_its_edges_right_is_not_taken(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        gate = ShutOutMeanwhile()
        hub.gate.sender = gate.sender  # type: ignore[method-assign]  # the same, and it counts
        edge.put(5)
        edge.start()
        until(lambda: gate.asked > 3, "the edge was refused, and asked again")
        assert hub.samples() == []
        status = edge.uplink.status()
        assert status.error is not None
        assert status.error["code"] == "edge-revoked"
