"""One process that runs a plant: devices, spool, history and page, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import uvloop

from lianji.base import heap
from lianji.base.errors import InputError, Text
from lianji.node.access import access_to
from lianji.node.folder import PlantFolder
from lianji.node.plant import Plant
from lianji.web.access.secret_text import PREFIX, new_secret
from lianji.web.app import create_app
from lianji.web.server import WebServer

if TYPE_CHECKING:
    from lianji.node.hub import HubDoor

Ready = Callable[[str], None]


def run_plant(folder: PlantFolder, port: int | None = None, ready: Ready | None = None) -> None:
    """Run the plant of a folder until SIGTERM or SIGINT; ends within 3 s with all on disk.

    ``ready`` is called with the page's address when it can be asked. Raises what opening raises.
    """
    plant = Plant(folder)
    try:
        uvloop.run(serve(plant, port, ready))
    finally:
        plant.close()


async def serve(plant: Plant, port: int | None, ready: Ready | None) -> None:
    """Read the devices and serve the page until a signal comes.

    Raises InputError if the port is taken, StorageError if the folder cannot be written.
    """
    settings = plant.configuration.settings.web
    listener = _listen(settings.host, settings.port if port is None else port)
    bound = int(listener.getsockname()[1])
    key = new_secret(PREFIX)
    server = WebServer(create_app(plant, access_to(plant, key)), settings.host, bound)
    heap.give_back()  # what reading the plant's files and building the page took
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    running = plant.folder.tell_running(settings.host, bound, key)
    try:
        devices = asyncio.create_task(plant.run(), name="devices")
        web = asyncio.create_task(server.serve(sockets=[listener]), name="web")
        hub, door = _open_door(plant)
        if ready is not None:
            ready(running.address)
        stopped = asyncio.create_task(ended.wait())
        tasks = {devices, web} | ({door} if door else set())
        await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        if hub is not None:
            hub.stop()
        devices.cancel()
        stopped.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
    finally:
        plant.folder.tell_ended()


def _open_door(plant: Plant) -> tuple[HubDoor | None, asyncio.Task[None] | None]:
    """The door for edges, if this is a hub."""
    settings = plant.configuration.settings.hub
    if settings is None:
        return None, None
    from lianji.node.hub import HubDoor

    listener = _listen(settings.host, settings.port)
    hub = HubDoor(plant, settings)
    plant.hub = hub
    return hub, asyncio.create_task(hub.serve(listener), name="hub")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError(
            "port-taken",
            Text(
                f"The page cannot listen on {host}:{port}: {error.strerror}.",
                f"网页无法监听 {host}:{port}：{error.strerror}。",
            ),
            Text(
                "Choose another with --port N, or 0 for any.",
                "请用 --port N 指定其他端口，0 表示任意。",
            ),
        ) from error
    listener.listen(128)
    return listener
