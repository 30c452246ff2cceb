"""Model bundles from the hub: kept as whole files before they are looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lianji.base.durable import make_folder, sync_file, sync_folder
from lianji.node.told.contents import check_bundle
from lianji.relay.messages.inbox import Work


class Bundles:
    """``<name>@<version>`` in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self, work: Work) -> dict[str, Any]:
        """Whole or not at all. Raises InputError for a name that is none."""
        one = work.envelope
        check_bundle(one.name)
        make_folder(self._folder.resolve())
        place = self._folder / f"{one.name}@{one.version}"
        sync_file(work.content)
        work.content.rename(place)
        sync_folder(self._folder)
        return {"stored": place.name, "bytes": one.length}
