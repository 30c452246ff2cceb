"""Five years of a real gas turbine as a data set: stable, and its known faults are named."""

from __future__ import annotations

import shutil
from pathlib import Path

from lianji.connect.files.options import ImportOptions
from lianji.node.importing import import_file
from tests.learn.datasets.world import World
from tests.peers import need_data

NOX = "plant/gt/NOX"
SPEC = f"""
start = 2011-01-01T00:00:00Z
end = 2016-01-01T00:00:00Z
step = "1h"
tags = ["plant/gt/*"]
target = "{NOX}"
[split]
validation_from = 2014-01-01T00:00:00Z
test_from = 2015-01-01T00:00:00Z
"""
HOURS = 43_824
ROWS = 36_733


def test_a_gas_turbine_of_five_years(world: World, tmp_path: Path) -> None:
    for year in range(2011, 2016):
        file = tmp_path / str(year) / "gt.csv"
        file.parent.mkdir()
        shutil.copy(need_data("gas_turbine_emissions", f"gt_{year}.csv"), file)
        start = f"{year}-01-01T00:00:00Z"
        options = ImportOptions.model_validate({"start": start, "step": "1h"})
        import_file(world.folder, file, options, lambda *_: None)
    world.spec("nox", SPEC)
    made = world.make("nox").manifest
    assert (made.rows, made.source.samples) == (HOURS, ROWS * 11)
    assert [one.rows for one in made.files] == [26_304, 8_760, 8_760]
    assert not world.make("nox").is_new
    report = world.report("nox")
    figures = {one.name: one for one in report.columns}
    assert {round(one.missing * HOURS) for one in report.columns} == {HOURS - ROWS}
    found = {(one.column, one.code) for one in report.findings}
    assert (NOX, "drift") in found, "the emissions of 2015 are not those of 2011 to 2013"
    assert (NOX, "stuck") in found, "the file of 2011 has one value for 102 hours"
    assert figures[NOX].stuck_rows == 102
    assert not {code for _, code in found} & {"equals-target", "knows-future", "known-after"}
    lag = figures["plant/gt/AT"].lag
    assert lag is not None and -0.6 < lag.now < -0.5
