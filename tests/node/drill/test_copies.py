"""What a drill is done with: copies that reach nothing outside, and checks that can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError
from lianji.node.configuration import load_configuration
from lianji.node.drill.checks import SiteSum, check_sites
from lianji.node.drill.copies import copy_of_hub
from lianji.node.drill.course import Found, Plan, drill
from lianji.node.drill.report import read_report, text_of, write_report
from lianji.node.enrolment import authority_of, create_hub
from lianji.node.folder import PlantFolder

OUTWARD = """
[[notify]]
name = "shift"
kind = "webhook"
url = "https://chat.example.com/hook"

[relay]
hubs = ["https://up.example.com:8461"]
edge = "city"

[history]
flush_s = 30
tiers = [{after_days = 30, folder = "/mnt/slow"}]
retention = [{tags = "*", keep_days = 400}]
"""


@pytest.fixture
def hub(tmp_path: Path) -> PlantFolder:
    folder = PlantFolder(tmp_path / "north")
    create_hub(folder, "north")
    with folder.settings.open("a") as file:
        file.write(OUTWARD)
    (folder.devices / "press.toml").write_text('protocol = "modbus"\nhost = "10.0.0.7"\n')
    (folder.relay).mkdir()
    (folder.relay / "identity.pem").write_text("who we are at the higher hub")
    return folder


def test_a_copy_has_no_machines_and_no_address_outside(hub: PlantFolder, tmp_path: Path) -> None:
    before = hub.settings.read_text()
    copy = copy_of_hub(hub, tmp_path / "copy", 18461)
    found = load_configuration(copy)
    settings = found.settings
    assert settings.hub is not None
    assert (settings.hub.host, settings.hub.port) == ("127.0.0.1", 18461)
    assert settings.hub.addresses == ["https://127.0.0.1:18461"]
    assert settings.relay is None and settings.notify == []
    assert settings.history.tiers == [] and settings.history.retention == []
    assert list(copy.devices.iterdir()) == [] and not copy.relay.exists()
    assert authority_of(copy).fingerprint == authority_of(hub).fingerprint
    assert hub.settings.read_text() == before and (hub.devices / "press.toml").exists()


def test_what_is_no_hub_is_not_drilled(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="drill-no-hub"):
        drill(PlantFolder(tmp_path), None, tmp_path / "work", Plan(), print)


def test_a_site_that_lost_rows_or_went_fails_its_check() -> None:
    before = {"park1": SiteSum(10, 0, 9), "park2": SiteSum(10, 0, 9)}
    fewer = {"park1": SiteSum(9, 0, 9)}
    failed = {one.name for one in check_sites(before, fewer, fewer) if not one.passed}
    assert failed == {"site first park1", "site first park2"}
    same = {"park1": SiteSum(12, 0, 11), "park2": SiteSum(10, 0, 9)}
    assert all(one.passed for one in check_sites(before, same, same))
    failed = {one.name for one in check_sites(before, same, fewer) if not one.passed}
    assert failed == {"site second park1", "site second park2"}


def test_a_report_is_the_hubs_and_says_so(hub: PlantFolder, tmp_path: Path) -> None:
    authority, path = authority_of(hub), tmp_path / "drill.json"
    write_report(path, authority, Plan(), Found(1, 0.5, 0.7))
    told = read_report(path, authority)
    assert told["passed"] and told["rto_all_s"] == 0.7
    assert path.with_suffix(".txt").read_text() == text_of(told)
    create_hub(PlantFolder(tmp_path / "other"), "north")
    with pytest.raises(InputError, match="drill-report-wrong"):
        read_report(path, authority_of(PlantFolder(tmp_path / "other")))
    path.write_text(path.read_text().replace("0.7", "0.1"))
    with pytest.raises(InputError, match="drill-report-wrong"):
        read_report(path, None)
