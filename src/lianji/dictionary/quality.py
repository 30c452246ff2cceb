"""Quality: the high 16 bits of an OPC UA StatusCode (OPC 10000-4, section 7.39 and annex A).

0 is Good. The top two bits are the severity: 00 good, 01 uncertain, 10 bad.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Qualities = NDArray[np.uint16]

SEVERITY_MASK = 0xC000
UNCERTAIN_BIT = 0x4000
BAD_BIT = 0x8000


class Quality(IntEnum):
    """The codes that Lianji itself gives; any other code of the standard passes unchanged."""

    GOOD = 0x0000
    GOOD_LOCAL_OVERRIDE = 0x0096
    UNCERTAIN = 0x4000
    UNCERTAIN_LAST_USABLE_VALUE = 0x4090
    UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x4094
    BAD = 0x8000
    BAD_INTERNAL_ERROR = 0x8002
    BAD_COMMUNICATION_ERROR = 0x8005
    BAD_DECODING_ERROR = 0x8007
    BAD_TIMEOUT = 0x800A
    BAD_USER_ACCESS_DENIED = 0x801F
    BAD_NO_COMMUNICATION = 0x8031
    BAD_WAITING_FOR_INITIAL_DATA = 0x8032
    BAD_NODE_ID_UNKNOWN = 0x8034
    BAD_OUT_OF_RANGE = 0x803C
    BAD_CONFIGURATION_ERROR = 0x8089
    BAD_NOT_CONNECTED = 0x808A
    BAD_DEVICE_FAILURE = 0x808B
    BAD_SENSOR_FAILURE = 0x808C
    BAD_OUT_OF_SERVICE = 0x808D
    BAD_NO_DATA = 0x809B


def is_bad(quality: Any) -> Any:
    """True where the quality is bad; works on a number and on an array alike."""
    return (quality & BAD_BIT) != 0


def is_good(quality: Any) -> Any:
    return (quality & SEVERITY_MASK) == 0


def name_of(code: int) -> str:
    """A readable name: ``Good``, ``Bad (SensorFailure)``, or the code in hex if it is not ours."""
    try:
        words = Quality(code).name.split("_")
    except ValueError:
        severity = ("Good", "Uncertain", "Bad", "Bad")[code >> 14]
        return f"{severity} (0x{code:04X})"
    detail = "".join(word.capitalize() for word in words[1:])
    return f"{words[0].capitalize()} ({detail})" if detail else words[0].capitalize()
