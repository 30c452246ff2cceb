"""From a device's statistics to the words of the status page."""

from __future__ import annotations

from lianji.connect.statistics import DeviceStatus, State
from lianji.web import status as web

_STATES = {
    State.CONNECTING: web.DeviceState.CONNECTING,
    State.BACKING_OFF: web.DeviceState.FAULT,
    State.STOPPED: web.DeviceState.FAULT,
    State.DISABLED: web.DeviceState.DISABLED,
}


def device_status(
    status: DeviceStatus, requests_per_s: float, samples_per_s: float
) -> web.DeviceStatus:
    """What the page shows of a device."""
    return web.DeviceStatus(
        name=status.name,
        protocol=status.protocol,
        state=_state(status),
        state_text=web.Words.of(status.summary),
        tags=status.tags,
        requests_per_s=requests_per_s,
        samples_per_s=samples_per_s,
        cycle_ms=status.cycle_s_last * 1000 if status.cycle_s_last else None,
        last_good_us=status.last_good_us,
        error=web.Fault.model_validate(status.last_error) if status.last_error else None,
    )


def _state(status: DeviceStatus) -> web.DeviceState:
    if status.state is State.RUNNING:
        whole = not (status.rejected or status.refused_tags or status.silent_tags)
        return web.DeviceState.RUNNING if whole else web.DeviceState.DEGRADED
    return _STATES[status.state]
