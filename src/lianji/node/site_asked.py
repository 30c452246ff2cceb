"""Deleting a site in the process that owns the history: the running hub, or this one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from lianji.base.errors import InputError, LinkDown, Text
from lianji.node.asked import credentials, key_unreadable, told_fault
from lianji.node.folder import PlantFolder


def delete_of(folder: PlantFolder, site: str, by: str) -> dict[str, Any]:
    """The signed report. Raises what ``site_deletion.delete_site`` raises, NotFound, LinkDown."""
    from lianji.node.enrolment import authority_of, edges_with

    authority = authority_of(folder)
    running = folder.running()
    if running is not None:
        return _asked(folder, running.address, site)
    from lianji.node.plant import Plant
    from lianji.node.site_deletion import delete_site

    plant = Plant(folder)
    try:
        return delete_site(plant, authority, edges_with(folder, plant.state), site, by)
    finally:
        plant.close()


def _asked(folder: PlantFolder, address: str, site: str) -> dict[str, Any]:
    url = f"{address}/api/hub/sites/{quote(site, safe='')}/delete"
    headers = credentials(folder)
    try:
        answer = httpx.post(
            url, json={"confirm": site}, headers=headers, timeout=None, trust_env=False
        )
    except httpx.HTTPError as error:
        raise LinkDown(
            "plant-silent",
            Text(f"{address} does not answer: {error}.", f"{address} 没有应答：{error}。"),
            Text("See whether the hub is stuck.", "请检查中心是否卡住。"),
        ) from error
    if answer.status_code == 401:
        raise key_unreadable(folder)
    if answer.is_error:
        raise told_fault(answer, InputError)
    found: dict[str, Any] = answer.json()
    return found
