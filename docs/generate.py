"""Write docs/reference from the models, the drivers, the command line and the HTTP API.

``python docs/generate.py`` writes the pages, ``--check`` only says which are out of date. A test
does the same, so a setting without a sentence or a stale page never gets in.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast, get_args

os.environ["LIANJI_LANG"] = "en"
os.environ.pop("LIANJI_PLANT", None)

import click
import typer
from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parent))
import sources
from fields import Row, default_of, fields, nested, sentence, shown, table, type_of

from lianji.act.alarms.definition import AlarmDefinition
from lianji.base import errors
from lianji.cli.main import app as command_line
from lianji.connect.devices import DRIVERS, driver_class
from lianji.connect.driver import DeviceConfig
from lianji.dictionary.quality import Quality, name_of
from lianji.dictionary.tag import Tag
from lianji.node.settings import Settings
from lianji.relay.trust import refusals
from lianji.web import faults
from lianji.web.access.access import OpenAccess
from lianji.web.access.described import NEEDS
from lianji.web.app import create_app

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py from the source: edit the sentences there. -->\n"
FIELD_HEADER = ("field", "value", "default", "meaning")


def settings_page() -> str:
    parts = ["# Settings\n\nThe file `lianji.toml` at the top of a plant's folder. All of it has ",
             "defaults; a field that is not known is an error with its name.\n"]  # fmt: skip
    for section, info in Settings.model_fields.items():
        model, heading = section_of(section, info.annotation)
        parts.append(f"\n## {heading}\n\n{table(FIELD_HEADER, fields(model))}")
        for heading, inner in nested(model, section):
            parts.append(f"\n### {heading}\n\n{table(FIELD_HEADER, fields(inner))}")
    parts.append(
        "\n## Environment\n\n"
        + table(
            ("variable", "meaning"),
            [
                ("`LIANJI_PLANT`", "The plant's folder, for commands without `--plant`."),
                ("`LIANJI_LANG`", "`en` or `zh`; else `LC_ALL`, `LC_MESSAGES`, `LANG` decide."),
                ("`NO_COLOR`", "Set to anything: no colours."),
            ],
        )
    )
    return "".join(parts)


def section_of(section: str, kind: Any) -> tuple[type[BaseModel], str]:
    """The model of a part of ``lianji.toml``, and how the part begins: ``[[notify]]``."""
    if getattr(kind, "__origin__", None) is list:
        return get_args(kind)[0], f"[[{section}]]"
    if type(None) in get_args(kind):
        return get_args(kind)[0], f"[{section}]"
    return cast(type[BaseModel], kind), f"[{section}]"


def drivers_page() -> str:
    head = """# Drivers

One file a machine: `devices/<name>.toml`. The file's name is the device's name. Lianji reads and
never writes to a machine. (One exception, which can be switched off: a Sparkplug node may be asked
to send its birth certificate again, see `rebirth`.)

## Every device

"""
    parts = [head, table(FIELD_HEADER, fields(DeviceConfig))]
    for protocol in DRIVERS:
        if protocol == "fake":
            continue
        driver = driver_class(protocol)
        own = table(FIELD_HEADER, fields(driver.Config, set(DeviceConfig.model_fields)))
        package = driver.__module__.rpartition(".")[0]
        address = inspect.getdoc(sys.modules[f"{package}.address"]) or ""
        parts.append(f"\n## {protocol}\n\n{own}\n### Addresses of {protocol}\n\n{_docs(address)}\n")
        if protocol == "modbus":
            parts.append(_modbus_types())
    return "".join(parts)


def _docs(text: str) -> str:
    """A docstring as Markdown; indented lines stay code."""
    return text.replace("``", "`")


def _modbus_types() -> str:
    from lianji.connect.drivers.modbus.address import ORDERS, REGISTERS

    numbers = ", ".join(f"`{name}`" for name in REGISTERS)
    orders = ", ".join(f"`{name}`" for name in ORDERS)
    return f"""
Numbers: {numbers}. A byte order may follow, such as `float32@CDAB`; it is one of {orders}. `ABCD`
is the order of the standard: high word and high byte first.

A coil, a discrete input or a bit of a register is a `bool`, which need not be said. `string[n]` are
n characters.
"""


def commands_page() -> str:
    head = """# Commands

Data goes to standard output, messages go to standard error. Every failure ends with 1, its cause,
its remedy and its [code](errors.md); wrong usage ends with 2.
"""
    group = cast(click.Group, typer.main.get_command(command_line))
    return head + "".join(_command_text(name, one) for name, one in _commands(group, "lianji"))


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group) or hasattr(command, "commands"):
            yield from _commands(cast(click.Group, command), f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _command_text(path: str, command: click.Command) -> str:
    wanted = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([path, *(_argument(p) for p in wanted), "[OPTIONS]"])
    rows = []
    for param in command.params:
        name = _argument(param) if param in wanted else ", ".join(param.opts)
        said = getattr(param, "help", "") or ""
        rows.append((f"`{name}`", said, "" if param in wanted else _option_default(param)))
    return f"\n## {path}\n\n{command.help}.\n\n    {usage}\n\n" + table(
        ("argument, option", "meaning", "default"), rows
    )


def _argument(param: click.Parameter) -> str:
    name = (param.name or "").upper() + ("..." if param.nargs == -1 else "")
    return name if param.required else f"[{name}]"


def _option_default(param: click.Parameter) -> str:
    said = getattr(param, "show_default", None)
    if isinstance(said, str):
        return said
    value = param.default
    return "" if value is False or callable(value) else shown(value)


def tag_table_page() -> str:
    from lianji.dictionary.tag_cells import COLUMNS
    from lianji.dictionary.tag_table import _ALIASES

    also: dict[str, list[str]] = {}
    for alias, column in _ALIASES.items():
        also.setdefault(column, []).append(alias)
    model = cast(Any, Tag).__pydantic_fields__
    rows = [
        (f"`{name}`", type_of(model[name]), default_of(model[name]), sentence(Tag, name),
         ", ".join(also.get(name, [])))
        for name in COLUMNS
    ]  # fmt: skip
    return f"""# Tag tables

CSV files in `tags/`, in UTF-8 with or without BOM, with comma, semicolon or tab. The first line
names the columns, in any order; only `path` must be there. Lianji writes them with BOM and CRLF, so
that Excel opens them. A wrong row is told with its line and its reason; the others are in use.
Another encoding than UTF-8 is refused, for a guess would garble names for ever.

{table(("column", "value", "default", "meaning", "also called"), rows)}
Units are [UCUM](https://ucum.org) codes. A usual spelling that is none, such as `°C`, is refused
with the code that was meant (`Cel`). What UCUM has no code for goes into braces: `{{pieces}}`.

Addresses and types are those of the [driver](drivers.md).
"""


def alarm_table_page() -> str:
    from lianji.act.alarms.table import ALIASES, COLUMNS

    also: dict[str, list[str]] = {}
    for alias, column in ALIASES.items():
        also.setdefault(column, []).append(alias)
    model = AlarmDefinition.model_fields
    rows = [
        (f"`{name}`", type_of(model[name]), default_of(model[name]),
         sentence(AlarmDefinition, name), ", ".join(also.get(name, [])))
        for name in COLUMNS
    ]  # fmt: skip
    return f"""# Alarm tables

CSV files in `alarms/`, in UTF-8 with or without BOM, with comma, semicolon or tab. The first line
names the columns, in any order; only `kind` must be there. A wrong row is told with its line and
its reason; the others are in use. [The guide](../how-to/alarms.md) shows how to write one.

{table(("column", "value", "default", "meaning", "also called"), rows)}
In messages and actions `{{tag}}`, `{{machine}}` and `{{signal}}` stand for the tag's path, its last
part but one and its last part.
"""


def http_page() -> str:
    api = create_app(cast(Any, None), OpenAccess()).openapi()
    parts = [
        f"# HTTP API\n\n{api['info']['description']}\n"
        "The running plant shows the same at `/docs`, to try out, and at `/openapi.json`.\n"
    ]
    for path, operations in sorted(api["paths"].items()):
        for method, operation in operations.items():
            parts.append(_operation(f"{method.upper()} {path}", operation))
    return "".join(parts)


def _operation(title: str, operation: dict[str, Any]) -> str:
    parts = [f"\n## {title}\n\n{_docs(operation.get('description', ''))}\n"]
    rows = [_parameter_row(one) for one in operation.get("parameters", [])]
    if rows:
        parts.append("\n" + table(("parameter", "default", "meaning"), rows))
    needs = operation.get(NEEDS, [])
    parts.append(f"\nNeeds: {', '.join(needs) or 'nothing'}.\n")
    body = operation.get("requestBody", {}).get("content", {})
    parts += [f"\nBody: `{kind}`.\n" for kind in body]
    parts.append(f"\nAnswers: {_answers(operation['responses'])}\n")
    return "".join(parts)


def _parameter_row(parameter: dict[str, Any]) -> Row:
    default = parameter["schema"].get("default")
    name = parameter["name"] + (" (required)" if parameter.get("required") else "")
    return (f"`{name}`", shown(default), parameter.get("description", ""))


def _answers(responses: dict[str, Any]) -> str:
    told = [
        f"{status} {one['description'].rstrip('.')}"
        for status, one in responses.items()
        if status not in ("default", "422")
    ]
    return "; ".join(told) + "."


def quality_page() -> str:
    rows = [(f"`0x{code:04X}`", str(int(code)), name_of(code)) for code in Quality]
    return f"""# Quality

Every sample has a quality: the high 16 bits of an OPC UA StatusCode (OPC 10000-4, section 7.39 and
annex A). The top two bits are the severity: `00` good, `01` uncertain, `10` bad. So in the table a
sample is good if `quality < 16384` and bad if `quality >= 32768`.

Bad samples are stored like any other. Nothing is dropped silently.

These codes Lianji gives itself. Codes of an OPC UA server pass unchanged.

{table(("code", "in the table", "name"), rows)}"""


def errors_page() -> str:
    rows = [
        (f"`{told.code}`", str(_status_of(told.kind)), _either(told.causes), _either(told.remedies))
        for told in sources.errors()
    ]
    return f"""# Errors

Every error says what happened and why, what to do next, and a code to search for. The command
line, the page and the HTTP API show the same one, in English or Chinese. What stands in `{{...}}`
is filled in. HTTP is the status where the API answers with it.

{table(("code", "HTTP", "what happened", "what to do next"), rows)}"""


def _either(texts: list[str]) -> str:
    return " / ".join(texts) or "(depends on what is wrong)"


def _status_of(kind: str) -> int:
    rooms = (errors, faults, refusals)
    cls = next((getattr(room, kind) for room in rooms if hasattr(room, kind)), errors.Refused)
    return int(cls.http_status)


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "drivers.md": drivers_page,
    "commands.md": commands_page,
    "tag-table.md": tag_table_page,
    "alarm-table.md": alarm_table_page,
    "http.md": http_page,
    "quality.md": quality_page,
    "errors.md": errors_page,
}


def out_of_date() -> list[str]:
    """The pages whose file is not what the source says."""
    return [name for name, page in PAGES.items() if _content(name) != NOTE + page()]


def _content(name: str) -> str:
    path = REFERENCE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: list[str]) -> int:
    stale = out_of_date()
    if "--check" in arguments:
        print("\n".join(f"out of date: docs/reference/{name}" for name in stale), end="")
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name in stale:
        (REFERENCE / name).write_text(NOTE + PAGES[name](), encoding="utf-8")
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
