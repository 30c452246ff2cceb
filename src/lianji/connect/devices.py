"""Devices as files: ``devices/<name>.toml``, which people read, diff and edit.

A file that is wrong names itself, its field and its remedy, and keeps no other device from
working. Drivers are known by name and imported when a device asks for them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, LianjiError, NotFound, Text
from lianji.connect.driver import DeviceConfig, Driver
from lianji.connect.field_errors import in_words
from lianji.connect.templates import FOLDER, OWN_KEYS, Templates, merged_fields

DRIVERS: dict[str, str] = {
    "modbus": "lianji.connect.drivers.modbus.driver",
    "opcua": "lianji.connect.drivers.opcua.driver",
    "mqtt": "lianji.connect.drivers.mqtt.driver",
    "fake": "lianji.connect.fake",
}
"""Protocol -> module whose ``DRIVER`` is the driver's class."""

NAME = re.compile(r"[\w\-]+(?:[.\w\- ]*[\w\-])?")
"""A device's name is its file's name: letters of any script, digits, ``_ - .`` and spaces."""


@dataclass(slots=True)
class Devices:
    """What a folder of device files holds: the good ones, and what is wrong with the others."""

    configs: dict[str, DeviceConfig] = field(default_factory=dict)
    errors: dict[str, LianjiError] = field(default_factory=dict)


def load_devices(folder: Path) -> Devices:
    """Every ``*.toml`` of a folder, by name. A folder that is not there holds no devices."""
    found, templates = Devices(), Templates(folder.parent / FOLDER)
    for path in sorted(folder.glob("*.toml")):
        try:
            found.configs[path.stem] = load_device(path, templates)
        except LianjiError as error:
            found.errors[path.stem] = error
    return found


def load_device(path: Path, templates: Templates | None = None) -> DeviceConfig:
    """One device's configuration, validated by its driver's model.

    What it takes from a template is in it; ``templates`` are those of the folder beside its own.

    Raises InputError that names the file and every field that is wrong, or NotFound.
    """
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise _no_device(path.stem) from error
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8", "文件不是 UTF-8 编码") from error
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, f"it is not TOML: {error}", f"不是有效的 TOML：{error}") from error
    if not NAME.fullmatch(path.stem):
        raise _wrong_name(path.stem)
    templates = templates or Templates(path.parent.parent / FOLDER)
    return config_of(merged_fields(content, templates, path.stem), str(path))


def config_of(content: Mapping[str, Any], where: str) -> DeviceConfig:
    """The same for what a form or an API sent; ``where`` names it in the errors."""
    protocol = content.get("protocol")
    if not isinstance(protocol, str):
        raise _wrong(
            where,
            Text("the field protocol is missing", "缺少字段 protocol"),
            Text(f"Write one of: {_names()}.", f"请填写其中之一：{_names()}。"),
        )
    try:
        return driver_class(protocol).Config.model_validate(dict(content))
    except ValidationError as error:
        raise _wrong(where, in_words(error), _MEND) from error
    except InputError as error:
        raise _wrong(where, error.cause, error.remedy) from error


def driver_class(protocol: str) -> type[Driver[Any]]:
    """The driver of a protocol, imported now. Raises InputError if there is none."""
    module = DRIVERS.get(protocol)
    if module is None:
        near = get_close_matches(protocol, DRIVERS, 1)
        en = f"Did you mean {near[0]}? " if near else ""
        zh = f"是否想写 {near[0]}？" if near else ""
        raise InputError(
            "protocol-unknown",
            Text(f"there is no protocol '{protocol}'", f"没有协议“{protocol}”"),
            Text(f"{en}Write one of: {_names()}.", f"{zh}请填写其中之一：{_names()}。"),
        )
    driver: type[Driver[Any]] = import_module(module).DRIVER
    return driver


def driver_for(config: DeviceConfig) -> Driver[Any]:
    """A driver for a configuration that ``load_device`` or ``config_of`` gave."""
    return driver_class(config.protocol)(config)


def write_device(folder: Path, name: str, config: DeviceConfig) -> Path:
    """Write ``<folder>/<name>.toml``, durably; comments and order of an old file are kept.

    Fields at their defaults are written only where the file has them already.
    Raises InputError for a name that cannot be a file's or an old file that is not TOML.
    """
    path = folder / f"{check_name(name)}.toml"
    content = device_text(config, path.read_bytes() if path.exists() else None, path)
    make_folder(folder)
    write_atomically(path, content)
    return path


def check_name(name: str) -> str:
    """The name itself. Raises InputError for one that cannot be a device's."""
    if not NAME.fullmatch(name):
        raise _wrong_name(name)
    return name


def device_text(config: DeviceConfig, old: bytes | None, path: Path) -> bytes:
    """A device's file; comments and order of an ``old`` one are kept. See ``write_device``."""
    document = tomlkit.document() if old is None else _parsed(old, path)
    full = config.model_dump(mode="json", exclude_none=True)
    given = config.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    given = {"protocol": config.protocol, **given}
    if "template" in document:
        given = _beyond_template(given, document.unwrap(), path.parent, path.stem)
    _update(document, full, given)
    return tomlkit.dumps(document).encode()


def _beyond_template(
    given: dict[str, Any], old: Mapping[str, Any], folder: Path, name: str
) -> dict[str, Any]:
    """What the template does not say already: it is not copied into the machine's file."""
    alone = {key: old[key] for key in OWN_KEYS if key in old}
    said = merged_fields(alone, Templates(folder.parent / FOLDER), name)
    return {key: value for key, value in given.items() if said.get(key) != value}


def _parsed(old: bytes, path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(old.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
        raise _unreadable(path, f"it is not TOML: {error}", f"不是有效的 TOML：{error}") from error


def _update(
    old: MutableMapping[str, Any], full: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Change a TOML table only where it says something else than ``full``."""
    for key in [key for key in old if key not in full and key not in OWN_KEYS]:
        del old[key]
    for key, value in full.items():
        if key in old:
            if isinstance(value, dict) and isinstance(old[key], MutableMapping):
                _update(old[key], value, value)
            elif _plain(old[key]) != value:
                old[key] = value
        elif key in given:
            old[key] = given[key]


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value


_MEND = Text("Mend the file and try again.", "请修改该文件后重试。")


def _names() -> str:
    return ", ".join(name for name in DRIVERS if name != "fake")


def _wrong(where: str, what: Text, remedy: Text) -> InputError:
    return InputError(
        "device-invalid", Text(f"In {where}: {what.en}.", f"{where}：{what.zh}。"), remedy
    )


def _unreadable(path: Path, en: str, zh: str | None = None) -> InputError:
    return InputError(
        "device-unreadable",
        Text(f"{path} cannot be read: {en}.", f"无法读取 {path}：{zh or en}。"),
        _MEND,
    )


def _no_device(name: str) -> NotFound:
    return NotFound(
        "device-unknown",
        Text(f"There is no device '{name}'.", f"没有设备“{name}”。"),
        Text("See `lianji device list`.", "请查看 `lianji device list`。"),
    )


def _wrong_name(name: str) -> InputError:
    return InputError(
        "device-name-invalid",
        Text(f"'{name}' cannot be the name of a device.", f"“{name}”不能用作设备名称。"),
        Text(
            "Use letters, digits, '-', '_', '.' and spaces; begin and end with a letter or digit.",
            "请使用文字、数字、“-”、“_”、“.”和空格，并以文字或数字开头和结尾。",
        ),
    )
