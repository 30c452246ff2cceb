"""An image that was restored, a clone: refused, told, never an overwrite; and how one goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lianji.relay import uplink
from tests.relay.world import Edge, hub_and_edge, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "RETRIES_S", (0.05,))


def test_an_old_image_is_refused_until_a_person_says_that_it_goes_on(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        edge.start()
        edge.put()
        edge.wait()
        edge.close()
        shutil.copytree(tmp_path / "plant", tmp_path / "image")
        edge.open()
        edge.start()
        for _ in range(5):
            edge.put()
        edge.wait()
        before = hub.samples()
        image = Edge(tmp_path / "image", hub)
        try:
            image.sent = 1_000
            image.put()
            image.start()
            until(lambda: image.uplink.status().parted, "the image to learn what it is")
            error = image.uplink.status().error
            assert error is not None and error["code"] == "relay-histories-parted"
            assert hub.samples() == before
            for _ in range(20):
                image.put()
            assert hub.samples() == before
            (tmp_path / "image/relay/anew").touch()
            image.wait()
            assert not image.uplink.status().parted
            added = hub.samples()[len(before) :]
            assert [value for *_, value in added] == [float(n) for n in range(1_000, 1_210)]
        finally:
            image.close()


def test_of_a_clone_and_its_edge_one_at_most_is_taken(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        edge.start()
        edge.put()
        edge.wait()
        edge.close()
        shutil.copytree(tmp_path / "plant", tmp_path / "clone")
        edge.open()
        clone = Edge(tmp_path / "clone", hub)
        try:
            clone.sent = 500_000
            for one in (edge, clone):
                one.put()
                one.start()
            pair = (edge, clone)
            until(lambda: any(one.uplink.status().parted for one in pair), "one to be refused")
            for one in pair:
                for _ in range(10):
                    one.put()
            taken = next(one for one in pair if not one.uplink.status().parted)
            taken.wait()
            found = hub.samples()
            assert len(found) == len(set(found))
            said = {int(value) for *_, value in found}
            first = 0 if taken is edge else 500_000
            assert set(range(first + 10, taken.sent)) <= said
            other = set(range(500_010, clone.sent)) if taken is edge else set(range(20, edge.sent))
            assert not other & said, "both were taken"
        finally:
            clone.close()


def test_a_clone_that_lags_does_not_take_the_others_mark_for_its_own(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        edge.start()
        edge.put()
        edge.wait()
        edge.close()
        shutil.copytree(tmp_path / "plant", tmp_path / "clone")
        edge.open()
        clone = Edge(tmp_path / "clone", hub)
        try:
            clone.sent = 500_000
            for one in (edge, clone):
                one.start()
                until(lambda one=one: one.uplink.status().connected, "both to agree")
            for _ in range(10):
                edge.put()
            edge.wait()
            for _ in range(3):
                clone.put()  # the hub has more than these numbers already
            until(lambda: clone.uplink.status().parted, "the clone to be refused")
            assert clone.uplink.status().position < clone.spool.durable
            assert max(value for *_, value in hub.samples()) < 500_000
        finally:
            clone.close()
