"""What a running plant does about each kind of message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lianji.base.clock import iso_of, now_us
from lianji.base.errors import NotFound, Text
from lianji.node.told.bundles import Bundles
from lianji.node.told.commands import Commands
from lianji.node.told.configuration import Changing
from lianji.node.told.dictionary import Dictionary
from lianji.relay.messages.inbox import Handler
from lianji.relay.messages.kinds import Kind

if TYPE_CHECKING:
    from lianji.node.plant import Plant


def handlers_of(plant: Plant) -> dict[str, Handler]:
    """By kind. The plant may still be being built: nothing is asked of it before it runs."""
    changing = Changing(plant.folder, plant.configuring)
    commands = Commands(
        {
            "ping": lambda: {"now": iso_of(now_us())},
            "status": lambda: _status(plant),
            "reload": lambda: {"changed": plant.configuring.reload()},
            "flush": lambda: _flush(plant),
            "renew": lambda: _renew(plant),
        }
    )
    bundles = Bundles(plant.folder.relay / "bundles")
    return {
        Kind.CONFIGURATION: Handler(changing.configuration),
        Kind.DICTIONARY: Handler(Dictionary(plant.folder, changing).apply),
        Kind.BUNDLE: Handler(lambda work: plant.deploying.take_told(work, bundles)),
        Kind.COMMAND: Handler(commands.apply, repeatable=False),
    }


def _status(plant: Plant) -> dict[str, Any]:
    from lianji.node.reporting import report_of

    return report_of(plant.status())


def _flush(plant: Plant) -> dict[str, Any]:
    plant.history.flush()
    return {"rows": plant.history.status().rows}


def _renew(plant: Plant) -> dict[str, Any]:
    if plant.relaying is None:
        raise NotFound(
            "relay-not-joined",
            Text("This plant has joined no hub.", "本工厂尚未加入中心。"),
            Text("Join one with `lianji join`.", "请用 `lianji join` 加入。"),
        )
    return {"until": iso_of(plant.relaying.renew())}
