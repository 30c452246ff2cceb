"""After a change: do the machines that it touched still give good values?

A device that gave good values until the change and gives none after it has been broken by it. The
change is then taken back, with the cause named; unless a person says that the machine is off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lianji.base.errors import InputError, LianjiError, Text
from lianji.connect.statistics import DeviceStatus, State


@dataclass(slots=True)
class Watched:
    """One device on trial. Times are monotonic seconds."""

    versions: tuple[str, ...]
    """Those that have not been proven, newest first."""
    deadline_s: float
    cause: LianjiError | None = None
    """Known at once, where the device cannot even be built."""


@dataclass(slots=True)
class Trials:
    """What is on trial now, by device."""

    watched: dict[str, Watched] = field(default_factory=dict)

    def begin(self, device: str, version: str, earlier: Sequence[str], deadline_s: float) -> None:
        """``earlier``: the versions that the device was on trial for until now."""
        self.watched[device] = Watched((version, *earlier), deadline_s)

    def failed(self, device: str, version: str, cause: LianjiError) -> None:
        self.watched[device] = Watched((version,), 0.0, cause)

    def of(self, device: str) -> tuple[str, ...]:
        one = self.watched.get(device)
        return () if one is None else one.versions

    def versions(self) -> set[str]:
        return {version for one in self.watched.values() for version in one.versions}

    def keep(self, version: str) -> None:
        """A person says so: whatever the machine does, the version stays."""
        self.watched = {d: one for d, one in self.watched.items() if version not in one.versions}

    def forget(self, device: str) -> None:
        self.watched.pop(device, None)

    def judged(
        self, statuses: Mapping[str, DeviceStatus], now_s: float
    ) -> tuple[tuple[str, ...], LianjiError] | None:
        """Let go of those that are well; the first that is not: its versions and the cause."""
        for name, one in list(self.watched.items()):
            status = statuses.get(name)
            if one.cause is None and status is not None and status.last_good_us is not None:
                del self.watched[name]
                continue
            late = now_s >= one.deadline_s
            if one.cause is None and late and status is not None and _only_quiet(status):
                del self.watched[name]
                continue
            hopeless = status is not None and status.tags == 0 and bool(status.rejected)
            if one.cause is not None or hopeless or late:
                cause = one.cause or _silent(name, status)
                for version in one.versions:
                    self.keep(version)
                return one.versions, cause
        return None


def _only_quiet(status: DeviceStatus) -> bool:
    """A device that sends by itself, is connected and has had nothing to say."""
    running = status.state is State.RUNNING and status.last_error is None
    return running and status.requests == 0 and status.tags > 0


def _silent(name: str, status: DeviceStatus | None) -> InputError:
    """Why a change was taken back."""
    why = _why(status)
    return InputError(
        "change-rolled-back",
        Text(
            f"After the change {name} gave no good value any more{why.en}; "
            "the change was taken back.",
            f"修改后 {name} 不再给出有效值{why.zh}；修改已自动撤销。",
        ),
        Text(
            "Mend the change and save it again; or, if the machine is only switched off, "
            "save it with 'keep it'.",
            "请改正后重新保存；如果设备只是停机，请选择“保留修改”再保存。",
        ),
    )


def _why(status: DeviceStatus | None) -> Text:
    if status is None:
        return Text("", "")
    if status.tags == 0 and status.rejected:
        reason = status.rejected[0].reason
        return Text(f" ({reason.en})", f"（{reason.zh}）")
    if status.last_error:
        cause = status.last_error["cause"]
        if isinstance(cause, dict):
            return Text(
                f" ({str(cause['en']).rstrip('.')})", f"（{str(cause['zh']).rstrip('。')}）"
            )
    return Text("", "")
