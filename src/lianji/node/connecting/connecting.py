"""What the page to connect a machine asks of a running plant; see ``web.ports.ConnectingView``.

Nothing here disturbs what runs: trials have a connection of their own, with a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from lianji.base.errors import Busy, InputError, NotFound, Text
from lianji.connect.devices import driver_for
from lianji.connect.driver import DeviceConfig, Found
from lianji.connect.drivers.modbus.decodes import readings
from lianji.connect.dry_run import DryRun, dry_run
from lianji.connect.failures import as_lianji_error
from lianji.connect.finding import PORTS, addresses, find_open
from lianji.connect.forms import Form, forms
from lianji.dictionary.tag import Tag
from lianji.node.browsed import tags_of
from lianji.node.configuration import Configuration
from lianji.node.configuring.running import Configuring
from lianji.node.connecting.files import (
    change_for,
    config_in,
    removal_of,
    shown_fields,
    tags_from,
)
from lianji.node.folder import PlantFolder
from lianji.web.machines import (
    Decoded,
    Decodes,
    FoundMachine,
    FoundTag,
    Machine,
    MachineSummary,
    TagRow,
    Trial,
    TrialRow,
)
from lianji.web.status import Fault

AT_ONCE = 2
"""Trials, browses and scans at the same time."""
BROWSE_S = 20.0
FOUND_MAX = 5_000
ROWS_MAX = 2_000
"""A form with more rows helps nobody: so many tags are worked on as tables."""
_WIDTHS = ("uint64", "uint32", "uint16")


class Connecting:
    def __init__(
        self,
        folder: PlantFolder,
        configuring: Configuring,
        configuration: Callable[[], Configuration],
    ) -> None:
        self._folder = folder
        self._configuring = configuring
        self._configuration = configuration
        self._busy = 0

    def forms(self) -> Sequence[Form]:
        return forms()

    def machines(self) -> list[MachineSummary]:
        configuration = self._configuration()
        tags = configuration.by_device()
        return [
            MachineSummary(
                name=name,
                protocol=config.protocol,
                fields=shown_fields(config),
                tags=len(tags[name]),
            )
            for name, config in configuration.devices.items()
        ]

    def machine(self, name: str) -> Machine:
        """One of them; without its tags where they are too many for a form. Raises NotFound."""
        configuration = self._configuration()
        config = configuration.devices.get(name)
        if config is None:
            raise NotFound(
                "device-unknown",
                Text(f"There is no device '{name}'.", f"没有设备“{name}”。"),
                Text("See the list of devices.", "请查看设备列表。"),
            )
        tags = configuration.tags_of(name)
        rows = [_row(tag) for tag in tags] if len(tags) <= ROWS_MAX else None
        return Machine(name=name, protocol=config.protocol, fields=shown_fields(config), tags=rows)

    def change_for(self, machine: Machine) -> dict[str, bytes | None]:
        return change_for(self._configuring.files(), machine)

    def removal_of(self, name: str) -> dict[str, bytes | None]:
        self.machine(name)
        return removal_of(self._configuring.files(), name)

    def prefix(self, name: str) -> str:
        return f"{self._configuration().settings.site.name}/{name}"

    # -- speaking to machines ------------------------------------------------------------------

    async def trial(self, machine: Machine) -> Trial:
        """Read everything once. Raises InputError for a wrong form, Busy."""
        config = await self._config(machine)
        tags = tags_from(machine.tags or [], machine.name)
        async with self._turn():
            return _trial(await dry_run(driver_for(config), tags))

    async def browse(self, machine: Machine, start: str) -> list[FoundTag]:
        """What the device offers, at most 5,000. Raises DeviceError, InputError, Busy."""
        config = await self._config(machine)
        async with self._turn():
            found = await _browsed(config, start)
        tags = tags_of(found, self.prefix(machine.name), machine.name)
        return [
            FoundTag(name=one.name, type=one.type, value=one.value, row=_row(tag))
            for one, tag in zip(found, tags, strict=True)
        ]

    async def scan(self, hosts: str, ports: Sequence[int]) -> list[FoundMachine]:
        """Who listens in a range of at most 256 private addresses. Raises InputError, Busy."""
        wanted = addresses(hosts)
        async with self._turn():
            found = await find_open(wanted, list(ports) or list(PORTS))
        return [FoundMachine(host=o.host, port=o.port, protocol=o.protocol) for o in found]

    async def decodes(self, machine: Machine, address: str, expected: float | None) -> Decodes:
        """Every reading of the registers from an address on. Raises InputError, DeviceError."""
        if machine.protocol != "modbus":
            raise InputError(
                "decode-modbus-only",
                Text("Only Modbus has a word order.", "只有 Modbus 存在字序问题。"),
                Text("Take the type that the device names.", "请使用设备给出的类型。"),
            )
        config = await self._config(machine)
        async with self._turn():
            raw = await _registers(config, address)
        return Decodes(
            hex=raw.hex(" "),
            readings=[
                Decoded(type=r.type, value=r.value, likely=r.likely, scale=r.scale)
                for r in readings(raw, expected)
            ],
        )

    async def _config(self, machine: Machine) -> DeviceConfig:
        files = await asyncio.to_thread(self._configuring.files)
        config = config_in(files, machine)
        return config.in_plant(self._folder.data).for_trial()

    def _turn(self) -> _Turn:
        return _Turn(self)


class _Turn:
    """One of the few connections beside the plant's own. Raises Busy."""

    def __init__(self, of: Connecting) -> None:
        self._of = of

    async def __aenter__(self) -> None:
        if self._of._busy >= AT_ONCE:
            raise Busy(
                "trial-running",
                Text("Other trials are running.", "其他测试正在进行。"),
                Text("Try again in a few seconds.", "请几秒后重试。"),
            )
        self._of._busy += 1

    async def __aexit__(self, *_: object) -> None:
        self._of._busy -= 1


async def _browsed(config: DeviceConfig, start: str) -> list[Found]:
    driver = driver_for(config)
    found: list[Found] = []
    try:
        async with asyncio.timeout(BROWSE_S):
            await driver.open()
            async for one in driver.browse(start):
                if one.address:
                    found.append(one)
                if len(found) >= FOUND_MAX:
                    break
    except TimeoutError:
        if not found:
            raise _silent() from None
    except Exception as error:
        raise as_lianji_error(error) from error
    finally:
        await driver.close()
    return found


async def _registers(config: DeviceConfig, address: str) -> bytes:
    """Four registers from an address on, or as many as the device gives."""
    trial = None
    for width in _WIDTHS:
        try:
            tag = Tag(path="try", device="try", address=address, type=width)
        except ValueError as error:
            raise InputError(
                "tag-address-invalid",
                Text(str(error), str(error)),
                Text("Write such as hr:0 or 40001.", "请写成 hr:0 或 40001。"),
            ) from error
        trial = await dry_run(driver_for(config), [tag])
        if trial.rows[0].hex:
            return bytes.fromhex(trial.rows[0].hex)
        if trial.error is not None:
            raise trial.error
    reason = trial.rows[0].error if trial else None
    raise InputError(
        "registers-unreadable",
        reason or Text("The registers cannot be read.", "无法读取这些寄存器。"),
        Text("Check the address and the unit id.", "请检查地址和站号。"),
    )


def _trial(run: DryRun) -> Trial:
    rows = [
        TrialRow(
            path=row.path,
            address=row.address,
            value=row.value,
            hex=row.hex,
            quality=row.quality_name,
            latency_ms=row.latency_ms,
            error=row.error,
        )
        for row in run.rows
    ]
    return Trial(
        rows=rows,
        requests=run.requests,
        seconds=run.seconds,
        cycle_s=run.cycle_s_predicted,
        sentence=run.sentence(),
        error=None if run.error is None else Fault.of(run.error),
    )


def _row(tag: Tag) -> TagRow:
    return TagRow(**{name: getattr(tag, name) for name in TagRow.model_fields})


def _silent() -> InputError:
    return InputError(
        "browse-silent",
        Text(
            f"The device showed nothing within {BROWSE_S:g} s.",
            f"设备在 {BROWSE_S:g} 秒内没有给出任何内容。",
        ),
        Text("Try again, or begin at another place of its tree.", "请重试，或换一个起始位置浏览。"),
    )
