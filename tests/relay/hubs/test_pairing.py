"""How a second hub becomes one: the keys go once, to whom they were promised, and edges follow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lianji.base.errors import InputError
from lianji.node import pairing
from lianji.node.enrolment import authority_of, create_hub, edges_of, join_hub
from lianji.node.folder import PlantFolder
from lianji.node.pairing import Group
from lianji.node.relaying import highest_of
from lianji.node.settings import load_settings
from lianji.relay import group as groups
from lianji.relay.generation import Generation
from lianji.relay.settings import Mode
from lianji.relay.trust.certificates import new_key, request_of
from lianji.relay.trust.edges import Edges, newer
from lianji.relay.trust.handover import keys_of, take_keys
from lianji.relay.trust.peer import EdgeRow
from tests.relay.trust.door import made_hub, open_door

AT = "south.example.com:8461"


@pytest.fixture
def first(tmp_path: Path) -> PlantFolder:
    folder = PlantFolder(tmp_path / "north")
    create_hub(folder, "north")
    return folder


@pytest.fixture
def two(first: PlantFolder, tmp_path: Path) -> Iterator[tuple[Edges, Edges]]:
    """The edges of two hubs of one authority."""
    second = PlantFolder(tmp_path / "south")
    create_hub(second, "south")
    take_keys(second.hub, keys_of(first.hub), authority_of(first).fingerprint)
    with edges_of(first) as one, edges_of(second) as other:
        yield one, other


def enrol(edges: Edges, name: str = "park1") -> EdgeRow:
    edges.admit(edges.invite(name, [name]), request_of(new_key(), name), name)
    [row] = [row for row in edges.all() if row.name == name]
    return row


def test_pairing_names_the_second_hub_and_lets_this_one_send_to_it(first: PlantFolder) -> None:
    line = pairing.pair(first, "south", AT, True, "li")
    assert line is not None and line.edge == "south"
    assert line.fingerprint == authority_of(first).fingerprint
    relay, hub = load_settings(first.root).relay, load_settings(first.root).hub
    assert relay is not None and hub is not None
    assert (relay.hubs, relay.edge, relay.mode) == ([f"https://{AT}"], "north", Mode.SYNC)
    assert hub.addresses == ["https://127.0.0.1:8461", f"https://{AT}"]
    assert Group.of(first) == Group("north", ("north", "south"), "south", "south")
    with edges_of(first) as edges:
        assert [(row.name, row.sites) for row in edges.all()] == [("north", ("*",))]


def test_the_keys_go_once_and_only_to_whom_they_were_promised(first: PlantFolder) -> None:
    pairing.pair(first, "south", AT, False, "li")
    with pytest.raises(InputError, match="hub-not-awaited"):
        pairing.told_of_group(first, "park1", True)
    assert "keys" not in pairing.told_of_group(first, "south", False)
    assert pairing.told_of_group(first, "south", True)["keys"] == keys_of(first.hub)
    with pytest.raises(InputError, match="hub-not-awaited"):
        pairing.told_of_group(first, "south", True)
    assert pairing.pair(first, "south", AT, False, "li") is None  # of the group: no new keys
    with pytest.raises(InputError, match="hub-not-awaited"):
        pairing.told_of_group(first, "south", True)


def test_a_hub_is_not_paired_with_itself_nor_while_it_sends_elsewhere(first: PlantFolder) -> None:
    with pytest.raises(InputError, match="hub-names-same"):
        pairing.pair(first, "north", AT, False, "li")
    settings = first.settings.read_text()
    first.settings.write_text(settings + '\n[relay]\nhubs = ["https://up:1"]\nedge = "city"\n')
    with pytest.raises(InputError, match="hub-relays-already"):
        pairing.pair(first, "south", AT, False, "li")


def test_wrong_keys_are_refused_and_leave_what_was_there(
    first: PlantFolder, tmp_path: Path
) -> None:
    second = PlantFolder(tmp_path / "south")
    before = create_hub(second, "south").fingerprint
    right = authority_of(first).fingerprint
    with pytest.raises(InputError, match="hub-keys-wrong"):
        take_keys(second.hub, keys_of(second.hub), right)
    with pytest.raises(InputError, match="hub-keys-wrong"):
        take_keys(second.hub, {"ca.pem": "x"}, right)
    assert authority_of(second).fingerprint == before
    take_keys(second.hub, keys_of(first.hub), right)
    assert authority_of(second).fingerprint == right
    assert {path.stat().st_mode & 0o777 for path in second.hub.glob("*.key")} == {0o600}


def test_edges_of_one_hub_are_known_to_the_other_with_every_change(
    two: tuple[Edges, Edges],
) -> None:
    one, other = two
    row = enrol(one)

    def tell() -> EdgeRow | None:
        groups.answer(_Members(other), {"edges": groups.as_json(one.all())})
        return other.known("park1", row.serial)

    assert tell() == row
    one.revoke("park1")
    revoked = tell()
    assert revoked is not None and revoked.revoked_us is not None
    again = enrol(one)
    assert again.generation == 2
    assert tell() is None  # the certificate of the first enrolment is over there too
    assert other.known("park1", again.serial) == again


class _Members:
    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    def all(self) -> list[EdgeRow]:
        return list(self._edges.all())

    def take(self, rows: list[EdgeRow]) -> int:
        return self._edges.take(rows)


def test_of_an_edge_all_hubs_come_to_the_same_row_in_whatever_order_they_hear() -> None:
    row = EdgeRow("park1", ("park1",), 1, 7, 100, 1, 1, None)
    told = [
        row,
        replace(row, not_after_us=200, serial=9),
        replace(row, revoked_us=50),
        replace(row, generation=2, serial=8, not_after_us=90),
    ]
    ends = set()
    for order in itertools.permutations([*told, told[0]]):
        mine: EdgeRow | None = None
        for other in order:
            mine = other if newer(mine, other) else mine
        ends.add(mine)
    assert ends == {told[3]}


def test_who_joins_a_hub_that_was_made_anew_does_not_take_it_for_an_old_one(
    tmp_path: Path,
) -> None:
    """Else the generations of the hub that is gone would shut the plant out for ever."""
    plant = PlantFolder(tmp_path / "plant")
    plant.create("park1", 0)
    for name, told in (("old", 0), ("new", 0), ("new", 7)):
        if not (tmp_path / name).exists():
            with made_hub(tmp_path / name) as hub, open_door(hub):
                join_hub(plant, hub.invitation())
        assert highest_of(plant.relay).told().number == told
        highest_of(plant.relay).hear(Generation(7, "signed"))


def test_what_is_no_list_of_edges_is_refused(two: tuple[Edges, Edges]) -> None:
    for told in ("x", [1], [{"name": "park1"}], [{"sites": 3, "serial": "y"}]):
        with pytest.raises(InputError, match="group-invalid"):
            groups.answer(_Members(two[1]), {"edges": told})
