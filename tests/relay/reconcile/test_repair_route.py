"""Whoever asks for what another edge lost gets nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.relay.client import HubClient, Unwelcome
from tests.relay.reconcile.plants import world


def test_a_repair_is_for_one_edge_alone(tmp_path: Path) -> None:
    with world(tmp_path) as plants:
        mine, theirs = plants.edge("park1"), plants.edge("park2")
        assert mine.relaying is not None
        assert theirs.relaying is not None
        offer = plants.door.reconciler.offers.put("park1", b"content")
        assert mine.relaying.fetch(f"repair/{offer}") == b"content"
        with pytest.raises(Unwelcome) as no:
            theirs.relaying.fetch(f"repair/{offer}")
        assert (no.value.status, no.value.code) == (404, "repair-missing")
        client = HubClient([f"https://127.0.0.1:{plants.port}"], "park1", theirs.relaying._context)
        with pytest.raises(Unwelcome) as no:
            client.fetch(f"repair/{offer}")
        assert (no.value.status, no.value.code) == (403, "relay-not-yours")
        client.close()
        plants.door.reconciler.offers.drop(offer)
        with pytest.raises(Unwelcome):
            mine.relaying.fetch(f"repair/{offer}")
