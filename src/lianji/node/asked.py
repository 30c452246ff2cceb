"""Asking a plant that runs in another process, over its own HTTP API."""

from __future__ import annotations

from typing import Any

import httpx

from lianji.base.errors import InputError, LianjiError, LinkDown, NotFound, Text
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


def credentials(folder: PlantFolder) -> dict[str, str]:
    """The header by which the running plant knows a program of this machine."""
    key = folder.key
    return {"Authorization": f"Bearer {key}"} if key else {}


def status_of(folder: PlantFolder) -> dict[str, Any]:
    """The answer of ``/api/status``. Raises NotFound or LinkDown."""
    found: dict[str, Any] = answer_of(folder, "/api/status").json()
    return found


def answer_of(folder: PlantFolder, path: str) -> httpx.Response:
    """What the running plant answers to a GET. Raises NotFound, LinkDown, and InputError where the
    key of this machine cannot be read."""
    running = running_plant(folder)
    try:
        answer = httpx.get(
            f"{running.address}{path}", headers=credentials(folder), timeout=30, trust_env=False
        )
        if answer.status_code == 401:
            raise key_unreadable(folder)
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


def found_of(folder: PlantFolder, path: str) -> dict[str, Any]:
    """What the running plant answers to a GET of JSON; where it refuses, its own words are raised.
    Raises NotFound, LinkDown, InputError."""
    running = running_plant(folder)
    url = f"{running.address}{path}"
    try:
        answer = httpx.get(url, headers=credentials(folder), timeout=30, trust_env=False)
    except httpx.HTTPError:
        answer = answer_of(folder, path)  # tries once more, and tells it
    if answer.status_code == 401:
        raise key_unreadable(folder)
    if answer.is_error:
        raise told_fault(answer, NotFound if answer.status_code == 404 else InputError)
    found: dict[str, Any] = answer.json()
    return found


def said_by(
    folder: PlantFolder, method: str, path: str, timeout_s: float = 30, **more: Any
) -> dict[str, Any]:
    """The JSON that the running plant answers to any request; where it refuses, its own words are
    raised. ``more`` goes to httpx. Raises NotFound, LinkDown, LianjiError."""
    address = running_plant(folder).address
    try:
        answer = httpx.request(
            method,
            f"{address}{path}",
            headers=credentials(folder),
            timeout=timeout_s,
            trust_env=False,
            **more,
        )
        said: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise LinkDown(
            "plant-silent",
            Text(f"{address} does not answer: {error}.", f"{address} 没有应答：{error}。"),
            Text("See `lianji status`.", "请查看 `lianji status`。"),
        ) from error
    if answer.is_error:
        raise LianjiError(said["code"], Text(**said["cause"]), Text(**said["remedy"]))
    return said


def told_fault(answer: httpx.Response, kind: type[LianjiError]) -> LianjiError:
    """The error that an answer carries."""
    try:
        said = answer.json()
        return kind(said["code"], Text(**said["cause"]), Text(**said["remedy"]))
    except (ValueError, KeyError, TypeError):
        return kind(
            "plant-refused",
            Text(f"The plant answered {answer.status_code}.", f"工厂返回 {answer.status_code}。"),
            Text("See its log.", "请查看其日志。"),
        )


def key_unreadable(folder: PlantFolder) -> InputError:
    return InputError(
        "key-unreadable",
        Text(
            f"The plant does not know this user: {folder.data}/cli.key cannot be read.",
            f"无法识别当前用户：{folder.data}/cli.key 不可读。",
        ),
        Text("Run the command as the user that runs Lianji.", "请以运行联机的用户身份执行该命令。"),
    )
