"""One template, many machines: expanded where a plant is loaded, changed in one place."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lianji.cli.main import app
from lianji.connect.devices import load_device, write_device
from lianji.connect.drivers.modbus.driver import ModbusConfig
from lianji.dictionary.tag import Tag
from lianji.node.configuration import Configuration, load_configuration, load_tags
from lianji.node.folder import PlantFolder
from lianji.node.template_check import checked, templates_in_use

TOML = """\
# what every press of this make has in common
protocol = "modbus"
host = "10.0.7.{unit}"
unit_id = "{unit}"
interval_ms = 500

[parameters]
machine = {}
unit = {}
base = { default = 100 }
"""
CSV = """\
path,address,type,unit,description_zh,expression
shop/hall1/{machine}/temperature,hr:{base},int16,Cel,{machine} 温度,
shop/hall1/{machine}/power,hr:{base+2},float32@CDAB,kW,,
shop/hall1/{machine}/pieces,hr:{base-1},uint16,{pieces},,
shop/hall1/{machine}/double,,,,,'shop/hall1/{machine}/power' * 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    folder = PlantFolder(tmp_path / "plant")
    folder.create("shop", 8380)
    folder.templates.mkdir()
    put(folder, "press@1", TOML, CSV)
    return folder


def put(folder: PlantFolder, name: str, toml: str, csv: str) -> None:
    (folder.templates / f"{name}.toml").write_text(toml, encoding="utf-8")
    (folder.templates / f"{name}.csv").write_text(csv, encoding="utf-8")


def machine(folder: PlantFolder, number: int, template: str = "press@1", more: str = "") -> None:
    text = (
        f'template = "{template}"\nparameters = {{ machine = "press{number}", unit = {number} }}\n'
    )
    (folder.devices / f"press{number}.toml").write_text(text + more, encoding="utf-8")


def loaded(folder: PlantFolder) -> Configuration:
    configuration = load_configuration(folder)
    assert configuration.problems == []
    return configuration


def test_a_machine_is_its_template_with_its_own_parameters(folder: PlantFolder) -> None:
    machine(folder, 7)
    configuration = loaded(folder)
    config = configuration.devices["press7"]
    assert isinstance(config, ModbusConfig)
    assert (config.host, config.unit_id, config.interval_ms) == ("10.0.7.7", 7, 500)
    assert configuration.tags["shop/hall1/press7/power"] == Tag(
        path="shop/hall1/press7/power",
        device="press7",
        address="hr:102",
        type="float32@CDAB",
        unit="kW",
    )
    temperature = configuration.tags["shop/hall1/press7/temperature"]
    assert (temperature.address, temperature.description_zh) == ("hr:100", "press7 温度")
    pieces = configuration.tags["shop/hall1/press7/pieces"]
    assert (pieces.address, pieces.unit) == ("hr:99", "{pieces}")
    assert "shop/hall1/press7/double" in configuration.calculated


def test_what_a_machine_says_itself_counts(folder: PlantFolder) -> None:
    machine(folder, 7, more='host = "192.168.0.7"\ninterval_ms = 2000\n')
    config = loaded(folder).devices["press7"]
    assert isinstance(config, ModbusConfig)
    assert (config.host, config.interval_ms, config.unit_id) == ("192.168.0.7", 2000, 7)


def test_three_hundred_machines_are_changed_in_one_place(folder: PlantFolder) -> None:
    for number in range(1, 251):
        machine(folder, number)
    began_s = time.process_time()
    assert len(loaded(folder).tags) == 1000
    assert time.process_time() - began_s < 10
    put(folder, "press@1", TOML, CSV.replace("hr:{base+2}", "hr:{base+20}"))
    tags = load_tags(folder).tags
    assert {tags[f"shop/hall1/press{n}/power"].address for n in range(1, 251)} == {"hr:120"}


def test_a_machine_stays_on_its_version_and_without_one_takes_the_newest(
    folder: PlantFolder,
) -> None:
    put(folder, "press@2", TOML, CSV.replace("{base}", "{base+1}"))
    put(folder, "press@10", TOML, CSV.replace("{base}", "{base+5}"))
    machine(folder, 1, "press@1")
    machine(folder, 2, "press@2")
    machine(folder, 3, "press")
    tags = loaded(folder).tags
    at = [tags[f"shop/hall1/press{n}/temperature"].address for n in (1, 2, 3)]
    assert at == ["hr:100", "hr:101", "hr:105"]
    assert [(one.name, one.machines) for one in templates_in_use(folder)] == [
        ("press@1", ["press1"]),
        ("press@2", ["press2"]),
        ("press@10", ["press3"]),
    ]


@pytest.mark.parametrize(
    ("device", "code", "words"),
    [
        ('template = "press@9"\n', "template-unknown", "'press@9'"),
        ('template = "press@1"\n', "template-parameters", "machine, unit is missing"),
        (
            'template = "press@1"\nparameters = { machine = "m", unit = 1, hall = 2 }\n',
            "template-parameters",
            "no parameter hall",
        ),
        ("template = 3\n", "template-parameters", "'broken'"),
        (
            'protocol = "modbus"\nhost = "h"\nparameters = {a = 1}\n',
            "template-parameters",
            "broken",
        ),
    ],
)
def test_a_machine_that_does_not_fit_names_itself_and_keeps_no_other_from_working(
    folder: PlantFolder, device: str, code: str, words: str
) -> None:
    machine(folder, 7)
    (folder.devices / "broken.toml").write_text(device)
    configuration = load_configuration(folder)
    [problem] = configuration.problems
    assert problem.code == code and words in problem.cause.en and problem.cause.zh
    assert list(configuration.devices) == ["press7"]
    assert "shop/hall1/press7/power" in configuration.tags


def test_an_undeclared_placeholder_names_the_template_and_its_line(folder: PlantFolder) -> None:
    put(folder, "press@1", TOML, CSV.replace("hr:{base+2}", "hr:{bass+2}"))
    machine(folder, 7)
    [problem] = load_configuration(folder).problems
    assert problem.code == "template-invalid"
    assert "press@1: line 3 of its table: {bass} is not declared" in problem.cause.en


def test_a_bad_row_of_a_template_is_told_once_and_a_machines_own_with_its_name(
    folder: PlantFolder,
) -> None:
    put(folder, "press@1", TOML, CSV + "shop/x/{machine},hr:1,int16,KWH,,\n")
    machine(folder, 7)
    machine(folder, 8)
    (folder.devices / "press8.toml").write_text(
        'template = "press@1"\nparameters = { machine = "pre,ss", unit = 8 }\n'
    )
    problems = [problem.cause.en for problem in load_configuration(folder).problems]
    assert sum("KWH" in said for said in problems) == 1
    own = [said for said in problems if "(device press8)" in said]
    assert len(own) == 4 and "templates/press@1.csv, line 2" in own[0]


def test_saving_a_machines_form_copies_nothing_out_of_its_template(folder: PlantFolder) -> None:
    machine(folder, 7)
    path = folder.devices / "press7.toml"
    before = path.read_text()
    config = load_device(path)
    write_device(folder.devices, "press7", config)
    assert path.read_text() == before
    write_device(folder.devices, "press7", config.model_copy(update={"timeout_ms": 900}))
    assert path.read_text() == before + "timeout_ms = 900\n"
    assert loaded(folder).devices["press7"].timeout_ms == 900


def test_check_looks_at_every_machine_as_its_driver_would(folder: PlantFolder) -> None:
    put(folder, "press@2", TOML, CSV.replace("float32@CDAB", "float33"))
    machine(folder, 1)
    machine(folder, 2, "press@2")
    report = checked(folder)
    assert (report.templates, report.machines, report.tags) == (2, 2, 8)
    [problem] = report.problems
    assert (problem.template, problem.line, problem.machine) == ("press@2", 3, "press2")
    assert "float33" in problem.error.en
    said = CliRunner().invoke(app, ["template", "check", "--plant", str(folder.root)])
    assert said.exit_code == 1 and "press2" in said.output and "float33" in said.output
    (folder.devices / "press2.toml").unlink()
    said = CliRunner().invoke(app, ["template", "check", "--plant", str(folder.root)])
    assert said.exit_code == 0, said.output
    listed = CliRunner().invoke(app, ["template", "list", "--plant", str(folder.root), "--json"])
    assert '"press@1"' in listed.output
