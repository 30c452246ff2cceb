"""What the readers of foreign tables share: where rows go, and how one becomes a tag of ours.

An address that was translated is read by our own driver at once, so that what is taken can be
read, and what cannot is refused with its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from lianji.base.errors import InputError, Text
from lianji.connect.drivers.modbus.address import ORDERS, Order, parse_point
from lianji.connect.drivers.opcua.address import parse_address
from lianji.dictionary.tag import tidied_path
from lianji.dictionary.tag_cells import CellError, to_tag
from lianji.dictionary.tag_table import Imported, Rejected
from lianji.dictionary.units import nearest_unit

ROWS_MAX = 300_000
"""Of one table: three times the tags of a large plant."""


@dataclass(frozen=True, slots=True)
class Into:
    """Where foreign rows go, for what their file does not say.

    ``below``: the path above them; ``device``: their device, else the file's name; ``order``: the
    byte order of their numbers, else that program's own default.
    """

    below: str = ""
    device: str = ""
    order: Order | None = None
    file: str = ""

    @property
    def device_name(self) -> str:
        if self.device:
            return self.device
        stem = PurePath(self.file.replace("\\", "/")).stem
        return tidied_path(stem.removesuffix("tags").strip(" -_") or "device")

    def path(self, *parts: str) -> str:
        return tidied_path("/".join((self.below, *parts)))


def order_of(name: str) -> Order | None:
    """A byte order by its name; None for any other word."""
    return ORDERS.get(name)


class Unusable(ValueError):
    """A row that cannot be taken; ``text`` says why."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


def take(imported: Imported, line: int, cells: Mapping[str, str]) -> None:
    """One row in our own columns: a tag if it is sound, else rejected with the reason."""
    path = cells["path"]
    try:
        if path in imported.lines:
            first = imported.lines[path]
            raise Unusable(f"the path is already in line {first}", f"该路径已在第 {first} 行出现")
        _check_address(cells)
        tag = to_tag(cells.items())
    except (Unusable, CellError) as error:
        imported.rejected.append(Rejected(line, path, error.text))
    else:
        imported.tags.append(tag)
        imported.lines[tag.path] = line


def refuse(imported: Imported, line: int, path: str, error: Unusable) -> None:
    imported.rejected.append(Rejected(line, path, error.text))


def _check_address(cells: Mapping[str, str]) -> None:
    address, kind = cells.get("address", ""), cells.get("type", "")
    try:
        if "=" in address:
            parse_address(address)
        else:
            parse_point(
                address,
                kind,
                scale=float(cells.get("scale") or 1),
                offset=float(cells.get("offset") or 0),
            )
    except ValueError as error:
        raise Unusable(str(error), f"地址或类型无法识别（{error}）") from error


def number(cell: str, column: str) -> float | None:
    """A foreign number, None for an empty cell. Raises Unusable."""
    plain = cell.strip()
    if not plain:
        return None
    try:
        return float(plain)
    except ValueError:
        raise Unusable(
            f"{column} '{plain}' is not a number", f"{column}“{plain}”不是数字"
        ) from None


def linear(
    raw_low: float | None,
    raw_high: float | None,
    low: float | None,
    high: float | None,
) -> tuple[float, float]:
    """Scale and offset of a line through two points. Raises Unusable where there is none."""
    if raw_low is None or raw_high is None or low is None or high is None:
        raise Unusable("its scaling lacks a number", "线性换算缺少数值")
    if raw_high == raw_low or high == low:
        raise Unusable("its scaling has an empty range", "线性换算的量程为空")
    scale = (high - low) / (raw_high - raw_low)
    return scale, low - raw_low * scale


def plain_number(value: float) -> str:
    """A number as a cell; the noise of a division is left out."""
    return repr(float(f"{value:.12g}")).removesuffix(".0")


def with_unit(cells: dict[str, str], unit: str) -> None:
    """The unit as a UCUM code; one that cannot be written as such stays in the description."""
    plain = unit.strip()
    code = nearest_unit(plain)
    if code:
        cells["unit"] = code
    elif plain:
        cells["description_en"] = f"{cells.get('description_en', '')} [{plain}]".strip()


def with_order(kind: str, order: str) -> str:
    """A number's type with its byte order, where that is not the standard's."""
    if order == "ABCD":
        return kind
    if kind.endswith("16"):
        return f"{kind}@BA" if order in ("BADC", "DCBA") else kind
    return f"{kind}@{order}"


def described(cells: dict[str, str], text: str) -> None:
    """A description in the column of its language."""
    plain = text.strip()
    if plain:
        chinese = any("\u4e00" <= sign <= "\u9fff" for sign in plain)
        cells["description_zh" if chinese else "description_en"] = plain


def too_long() -> InputError:
    """What is said of a table with too many rows."""
    return too_large(f"has more than {ROWS_MAX:,} rows", f"超过 {ROWS_MAX} 行")


def too_large(en: str, zh: str) -> InputError:
    return InputError(
        "tag-table-size",
        Text(f"The table {en}.", f"该表{zh}。"),
        Text("Split the table into several files.", "请将表格拆分为多个文件。"),
    )
