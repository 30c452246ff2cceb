"""A hub is an edge of a higher hub: all of it goes up, or some tags alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lianji.relay.client import HubClient
from lianji.relay.picking import OfTags
from lianji.relay.uplink import Uplink
from tests.relay.world import START_US, Edge, Hub, until


@contextmanager
def sending(hub: Hub, higher: Hub, name: str, *tags: str) -> Iterator[Uplink]:
    higher.gate.sites[name] = ("*",)
    client = HubClient([f"https://127.0.0.1:{higher.port}"], name, lambda: higher.context(name))
    pick = OfTags(hub.names, tags) if tags else None
    uplink = Uplink(hub.spool, hub.names, hub.folder / "relay", client, pick=pick)
    uplink.start()
    try:
        yield uplink
    finally:
        uplink.close()


@contextmanager
def three_levels(folder: Path) -> Iterator[tuple[Edge, Hub, Hub]]:
    higher, hub = Hub(folder / "province"), Hub(folder / "city")
    edge = Edge(folder / "plant", hub)
    edge.start()
    try:
        yield edge, hub, higher
    finally:
        edge.close()
        hub.close()
        higher.close()


def put_two_lines(edge: Edge, times: int) -> None:
    for _ in range(times):
        edge.put(3, "line1/power")
        edge.put(2, "line2/power")


def has_all(uplink: Uplink, hub: Hub) -> bool:
    return uplink.position >= hub.spool.durable


def test_what_edges_bring_goes_up_once_through_all_levels(tmp_path: Path) -> None:
    with three_levels(tmp_path) as (edge, hub, higher), sending(hub, higher, "city") as uplink:
        for _ in range(10):
            edge.put()
        edge.wait()
        until(lambda: has_all(uplink, hub), "the higher hub to have it")
        assert sorted(higher.samples()) == sorted(hub.samples())
        assert len(higher.samples()) == 100
        # the edges of an edge are none of the higher hub's: it knows the lane of the city alone
        assert list(higher.receiving.ledger.edges()) == ["city"]


def test_some_tags_alone_go_up_each_once_also_after_restarts(tmp_path: Path) -> None:
    with three_levels(tmp_path) as (edge, hub, higher):
        for _ in range(3):
            with sending(hub, higher, "city", "plant/line1/*") as uplink:
                put_two_lines(edge, 5)
                edge.wait()
                until(lambda: has_all(uplink, hub), "the higher hub to have it")
                assert not uplink.status().parted
        found = higher.samples()
        wanted = [n for n in range(75) if n % 5 < 3]
        assert sorted(found) == [("plant/line1/power", START_US + n, float(n)) for n in wanted]


def test_where_nothing_is_picked_nothing_is_sent_and_nothing_waits(tmp_path: Path) -> None:
    with (
        three_levels(tmp_path) as (edge, hub, higher),
        sending(hub, higher, "city", "plant/line9/*") as uplink,
    ):
        put_two_lines(edge, 5)
        edge.wait()
        until(lambda: has_all(uplink, hub), "the hub to have looked at all of it")
        assert uplink.status().sent_records == 0 and higher.samples() == []


def test_patterns_may_change_and_hold_from_then_on(tmp_path: Path) -> None:
    with three_levels(tmp_path) as (edge, hub, higher):
        for pattern in ("plant/line1/*", "plant/line2/*"):
            with sending(hub, higher, "city", pattern) as uplink:
                put_two_lines(edge, 2)
                edge.wait()
                until(lambda: has_all(uplink, hub), "the higher hub to have it")
        counts = [path for path, _, _ in higher.samples()]
        assert counts.count("plant/line1/power") == 6
        assert counts.count("plant/line2/power") == 4


def test_an_old_image_of_a_hub_that_sends_some_tags_is_found_out(tmp_path: Path) -> None:
    with three_levels(tmp_path) as (edge, hub, higher):
        with sending(hub, higher, "city", "plant/*"):
            put_two_lines(edge, 5)
            edge.wait()
            until(lambda: len(higher.samples()) == 25, "the higher hub to have it")
        (hub.folder / "relay/book.json").unlink()
        with sending(hub, higher, "city", "plant/*") as uplink:
            until(lambda: uplink.status().connected, "the agreement")
            assert not uplink.status().parted  # the same records are written the same again
        edge.close()
        hub.close()
        other = Hub(tmp_path / "image", hub.port)
        second = Edge(tmp_path / "other", other, "plant")
        try:
            second.start()
            put_two_lines(second, 9)
            second.wait()
            _take_epoch(other, hub)
            with sending(other, higher, "city", "plant/*") as uplink:
                until(lambda: uplink.status().parted, "the image to be found out")
            assert len(higher.samples()) == 25
        finally:
            second.close()
            other.close()
            edge.open()
            hub.open()


def _take_epoch(image: Hub, hub: Hub) -> None:
    """As a copy of the disk would have it: the same run of numbers, other records in it."""
    image.folder.joinpath("relay").mkdir()
    epoch = hub.spool.epoch
    book = '{"epoch": "%s", "spool": "%s", "lanes": [{"start": 1, "end": null, "mark": "0:0"}]}'
    image.folder.joinpath("relay/book.json").write_text(book % (epoch, image.spool.epoch))
