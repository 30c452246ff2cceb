"""The guide of two hubs, as a person goes through it: pair, lose the first, promote the second."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lianji.node.drill.hubs import free_ports
from tests.peers import wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

pytestmark = pytest.mark.system
START_S = 1_769_846_400
TAG = "p/line/value"


def hub(folder: Path, port: int) -> Path:
    assert lianji_command("hub", "init", folder).returncode == 0
    text = (folder / "lianji.toml").read_text()
    text = re.sub(r"port = 8461", f"port = {port}", text)
    text = re.sub(r"\[web\]", "[web]\nopen = true", text)
    (folder / "lianji.toml").write_text(text + "\n[history]\nflush_s = 0.2\n")
    return folder


def said(*arguments: object, line: str = "") -> str:
    """What a command prints; ``line``: the one that is to be pasted, without its first word."""
    done = lianji_command(*arguments)
    assert done.returncode == 0, done.stderr.decode()
    if not line:
        return done.stdout.decode()
    return next(one for one in done.stdout.decode().splitlines() if one.startswith(line))


def push(plant: PlantProcess, *numbers: int) -> None:
    lines = [f"p/line value={n} {START_S + n}" for n in numbers]
    assert plant.write("\n".join(lines), precision="s").status_code == 204


def has(hub: PlantProcess, count: int) -> bool:
    last = hub.last(TAG)
    return last is not None and last["value"] == count - 1 and len(hub.read(TAG)) == count


@pytest.mark.timeout(240)
def test_a_plant_goes_over_to_the_second_hub_by_itself(tmp_path: Path) -> None:
    ports = free_ports(2)
    north, south = hub(tmp_path / "north", ports[0]), hub(tmp_path / "south", ports[1])
    at = f"127.0.0.1:{ports[1]}"
    follow = said("hub", "pair", "south", "--at", at, "--plant", north, line="lianji hub follow")
    park = write_plant(tmp_path / "park")
    with plant_process(north) as first:
        said(*follow.split()[1:], "--plant", south)
        with plant_process(south) as second:
            join = said("hub", "invite", "p", "--plant", north, line="lianji join")
            said(*join.split()[1:], "--plant", park)
            with plant_process(park) as plant:
                push(plant, 0, 1, 2)
                wait_until(lambda: has(second, 3), 30, "the standby to have it")
                edges = said("hub", "sites", "--json", "--plant", south)
                assert '"p"' in edges  # an edge of the first is known to the second
                first.kill()
                push(plant, 3, 4)
                assert "standby" in said("hub", "standing", "--plant", south)
                assert len(second.read(TAG)) == 3
                said("hub", "promote", "--plant", south)
                wait_until(lambda: has(second, 5), 30, "the plant to go over")
                first.start()
                wait_until(
                    lambda: "hub-fenced" in [one["code"] for one in first.status()["problems"]],
                    30,
                    "the first to see that it is over",
                )
                said("hub", "follow", "--plant", north)
                push(plant, 5)
                wait_until(lambda: has(first, 6) and has(second, 6), 30, "both to have it")
