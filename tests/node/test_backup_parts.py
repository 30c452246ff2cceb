"""A backup takes all that a person wrote: whatever is part of the configuration, and dashboards."""

from __future__ import annotations

from pathlib import Path

from lianji.node.backup import parts_of
from lianji.node.configuring.places import PLACES
from lianji.node.folder import PlantFolder


def test_every_file_that_people_write_is_in_a_backup(tmp_path: Path) -> None:
    folder = PlantFolder(tmp_path / "plant")
    folder.create("plant", 8460)
    written = [folder.root / place / f"x{end}" for place, end in PLACES]
    written += [folder.dashboards / "line.json", folder.data / "audit" / "000000000001.jsonl"]
    written += [folder.root / "models" / "trusted.txt", folder.data / "models" / "ledger.json"]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    taken = {path.relative_to(folder.root.resolve()) for path in parts_of(folder, "plant").others()}
    assert {path.relative_to(folder.root) for path in written} <= taken
