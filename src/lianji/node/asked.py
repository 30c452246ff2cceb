"""Asking a plant that runs in another process, over its own HTTP API."""

from __future__ import annotations

from typing import Any

import httpx

from lianji.base.errors import LinkDown, NotFound, Text
from lianji.node.folder import PlantFolder, Running
from lianji.node.settings import load_settings


def running_plant(folder: PlantFolder) -> Running:
    """The process that runs the plant. Raises NotFound if there is no plant or it does not run."""
    load_settings(folder.root)
    running = folder.running()
    if running is None:
        raise NotFound(
            "plant-stopped",
            Text(
                f"The plant in {folder.root} is not running.", f"{folder.root} 中的工厂未在运行。"
            ),
            Text(
                f"Start it with `lianji run --plant {folder.root}`.",
                f"请用 `lianji run --plant {folder.root}` 启动。",
            ),
        )
    return running


def status_of(folder: PlantFolder) -> dict[str, Any]:
    """The answer of ``/api/status``. Raises NotFound or LinkDown."""
    found: dict[str, Any] = answer_of(running_plant(folder), "/api/status").json()
    return found


def answer_of(running: Running, path: str) -> httpx.Response:
    """What the running plant answers to a GET. Raises LinkDown."""
    try:
        answer = httpx.get(f"{running.address}{path}", timeout=30, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise LinkDown(
            "plant-silent",
            Text(
                f"{running.address} does not answer: {error}.",
                f"{running.address} 没有应答：{error}。",
            ),
            Text(
                f"See whether process {running.pid} is stuck; restart it if so.",
                f"请检查进程 {running.pid} 是否卡住，必要时重启。",
            ),
        ) from error
    return answer
