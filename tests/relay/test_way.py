"""From a spool over TLS into another, once and only once."""

from __future__ import annotations

from pathlib import Path

from tests.relay.trust.connect_proxy import connect_proxy
from tests.relay.world import Edge, check, hub_and_edge, until


def test_what_an_edge_holds_and_what_comes_reaches_the_hub(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        edge.put()
        edge.start()
        edge.put()
        edge.wait()
        for _ in range(20):
            edge.put(3)
        edge.wait()
        check(hub, edge)
        assert edge.uplink.status().connected


def test_a_hub_that_goes_and_comes_back_gets_the_rest(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        edge.start()
        edge.put()
        edge.wait()
        hub.close()
        for _ in range(50):
            edge.put(5)
        until(lambda: not edge.uplink.status().connected, "the edge to notice")
        hub.open()
        edge.wait()
        check(hub, edge)


def test_an_edge_that_goes_and_comes_back_sends_nothing_twice(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, edge):
        for _ in range(3):
            edge.start()
            edge.put()
            edge.wait()
            edge.put()
            edge.close()
            edge.open()
        (tmp_path / "plant/relay/book.json").unlink()  # the hub knows it all
        edge.close()
        edge.open()
        edge.start()
        edge.put()
        edge.wait()
        check(hub, edge)


def test_many_edges_share_a_hub_each_under_its_own_site(tmp_path: Path) -> None:
    with hub_and_edge(tmp_path) as (hub, first):
        others = [Edge(tmp_path / f"e{n}", hub, f"e{n}") for n in range(5)]
        edges = [first, *others]
        try:
            for edge in edges:
                edge.start()
            for _ in range(10):
                for edge in edges:
                    edge.put(2)
            for edge in edges:
                edge.wait()
            check(hub, *edges)
        finally:
            for edge in others:
                edge.close()


def test_a_plant_behind_a_proxy_sends_through_it(tmp_path: Path) -> None:
    with connect_proxy() as proxy, hub_and_edge(tmp_path, proxy=proxy.address) as (hub, edge):
        edge.start()
        edge.put()
        edge.wait()
        check(hub, edge)
        assert set(proxy.tunnels) == {f"127.0.0.1:{hub.port}"}
