"""Comparisons as the command line asks for them: of the running hub, over its own HTTP API."""

from __future__ import annotations

from typing import Any

import httpx

from lianji.base.errors import LianjiError, LinkDown, Text
from lianji.node.asked import credentials, running_plant
from lianji.node.enrolment import edges_of
from lianji.node.folder import PlantFolder

ROUTE = "/api/hub/reconcile"


def joined_edges(folder: PlantFolder) -> list[str]:
    """The edges that may speak, by name. Raises NotFound where there is no hub."""
    with edges_of(folder) as edges:
        return [row.name for row in edges.all() if row.revoked_us is None]


def begin(folder: PlantFolder, wanted: dict[str, Any]) -> int:
    """The number of a run that has begun. Raises NotFound, LinkDown, and what the hub said."""
    return int(_asked(folder, "POST", "", json=wanted)["id"])


def run_of(folder: PlantFolder, number: int, limit: int = 100_000) -> dict[str, Any]:
    """How far a run is (``run``), and what it has found (``differences``)."""
    return _asked(folder, "GET", f"/{number}", params={"limit": limit})


def _asked(folder: PlantFolder, method: str, path: str, **more: Any) -> dict[str, Any]:
    address = running_plant(folder).address
    try:
        answer = httpx.request(
            method,
            f"{address}{ROUTE}{path}",
            headers=credentials(folder),
            timeout=30,
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
