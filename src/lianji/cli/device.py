"""device list, add, test, browse: the machines of the plant."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from lianji.base.errors import counted
from lianji.cli.output import AsCsv, AsJson, form_of, show_rows
from lianji.cli.speech import complain, language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

app = typer.Typer(help=t("The machines of the plant", "工厂里的设备"), no_args_is_help=True)
Name = Annotated[str, typer.Argument(help=t("The device's name", "设备名称"))]


@app.command("list", help=t("All devices and how they are configured", "列出全部设备"))
def list_(plant: PlantDir = HERE, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    from lianji.node.configuration import load_configuration

    configuration = load_configuration(folder_of(plant))
    rows = []
    for name, tags in configuration.by_device().items():
        config = configuration.devices[name]
        given = config.model_dump(mode="json", exclude_defaults=True, exclude={"protocol"})
        said = " ".join(f"{k}={'***' if 'password' in k else v}" for k, v in given.items())
        rows.append(
            {"device": name, "protocol": config.protocol, "tags": len(tags), "settings": said}
        )
    show_rows(rows, form_of(as_json, as_csv), ["device", "protocol", "tags", "settings"])
    for problem in configuration.problems:
        complain(problem)


@app.command(help=t("Add a device, after it was reached", "添加设备（先测试连接）"))
def add(
    name: Name,
    protocol: Annotated[str, typer.Argument(help="modbus, opcua, mqtt")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help=t("host=... port=... url=...", "host=... port=... url=...")),
    ] = None,
    plant: PlantDir = HERE,
    force: Annotated[bool, typer.Option(help=t("Without the test", "不测试"))] = False,
) -> None:
    from lianji.connect.devices import config_of, driver_for, write_device
    from lianji.node.settings import load_settings

    load_settings(plant)
    given: dict[str, Any] = {"protocol": protocol}
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(t(f"'{setting}' is not key=value", f"“{setting}”不是 键=值"))
        given[key] = value
    config = config_of(given, name)
    if not force:
        asyncio.run(_reached(driver_for(config.in_plant(folder_of(plant).data).for_trial())))
    path = write_device(folder_of(plant).devices, name, config)
    tell(f"Wrote {path}.", f"已写入 {path}。")
    tell(
        f"Next: lianji device browse {name}, then lianji tag import FILE.csv",
        f"下一步：lianji device browse {name}，然后 lianji tag import FILE.csv",
    )


async def _reached(driver: Any) -> None:
    try:
        async with asyncio.timeout(15):
            await driver.open()
    finally:
        await driver.close()


@app.command(help=t("Read every tag of a device once", "试读设备的全部标签"))
def test(
    name: Name, plant: PlantDir = HERE, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    from lianji.connect.devices import driver_for, load_device
    from lianji.connect.dry_run import dry_run
    from lianji.node.configuration import load_configuration

    folder = folder_of(plant)
    configuration = load_configuration(folder)
    config = load_device(folder.devices / f"{name}.toml")
    config = config.in_plant(folder.data).for_trial()
    trial = asyncio.run(dry_run(driver_for(config), configuration.tags_of(name)))
    rows = [
        {
            "tag": row.path,
            "address": row.address,
            "value": row.value,
            "hex": row.hex,
            "quality": row.quality_name,
            "ms": row.latency_ms,
            "error": row.error.in_language(language()) if row.error else None,
        }
        for row in trial.rows
    ]
    columns = ["tag", "address", "value", "hex", "quality", "ms", "error"]
    show_rows(rows, form_of(as_json, as_csv), columns)
    sentence = trial.sentence()
    tell(sentence.en, sentence.zh)
    if trial.error is not None:
        raise trial.error
    if any(row.error for row in trial.rows):
        raise typer.Exit(1)


@app.command(help=t("What a device offers", "浏览设备提供的数据"))
def browse(
    name: Name,
    start: Annotated[str, typer.Argument(help=t("Below this address", "起始地址"))] = "",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_tags: Annotated[
        Path | None, typer.Option(help=t("Write a tag table to fill in", "写成可编辑的标签表"))
    ] = None,
) -> None:
    from lianji.connect.devices import driver_for, load_device

    folder = folder_of(plant)
    config = load_device(folder.devices / f"{name}.toml").in_plant(folder.data).for_trial()
    found = asyncio.run(_browsed(driver_for(config), start))
    columns = ["address", "name", "type", "unit", "value", "description"]
    rows = [{column: getattr(one, column) for column in columns} for one in found]
    if as_tags is not None:
        _write_tags(found, name, plant, as_tags)
        return
    show_rows(rows, form_of(as_json, as_csv), columns)
    if not rows:
        tell(
            "The device lists nothing of itself: take the addresses from its manual.",
            "该设备不提供数据列表：请按其手册填写地址。",
        )


async def _browsed(driver: Any, start: str) -> list[Any]:
    try:
        await driver.open()
        return [found async for found in driver.browse(start)]
    finally:
        await driver.close()


def _write_tags(found: list[Any], device: str, plant: Path, file: Path) -> None:
    from lianji.dictionary.tag_table import write_table
    from lianji.node.browsed import tags_of
    from lianji.node.settings import load_settings

    tags = tags_of(found, f"{load_settings(plant).site.name}/{device}", device)
    write_table(tags, file.resolve())
    tell(
        f"{counted(len(tags), 'tag')} in {file}: edit the paths, then lianji tag import {file}",
        f"{len(tags)} 个标签写入 {file}：修改路径后执行 lianji tag import {file}",
    )
