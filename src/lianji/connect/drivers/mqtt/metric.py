"""One Sparkplug metric as one sample: its value, its quality and its time.

Pure. Integers travel as unsigned 32- or 64-bit numbers whatever their type is, so the datatype of
the birth certificate says how wide they are and whether they are signed (Sparkplug 3.0, section
6.4.16). A metric that no tag can hold (a data set, a template, bytes) becomes BAD_DECODING_ERROR.
"""

from __future__ import annotations

import math

from lianji.connect.drivers.mqtt.address import ValueKind
from lianji.connect.drivers.mqtt.payload import Decoded, read_value
from lianji.connect.drivers.mqtt.rows import NO_VALUE, is_sound_time
from lianji.connect.drivers.mqtt.sparkplug_b import DATATYPES, Metric, PropertySet
from lianji.dictionary.quality import Quality

_GOOD = int(Quality.GOOD)
_NO_DATA = int(Quality.BAD_NO_DATA)
_UNREADABLE = int(Quality.BAD_DECODING_ERROR)

_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_UNSIGNED_BITS = {5: 8, 6: 16, 7: 32, 8: 64}
_STALE = 500


def type_name(datatype: int) -> str:
    return DATATYPES[datatype] if datatype < len(DATATYPES) else f"datatype {datatype}"


def read_metric(metric: Metric, datatype: int, kind: ValueKind) -> Decoded:
    """The value of a metric. Under ``auto`` a String metric is a text and any other a number."""
    which = metric.WhichOneof("value")
    if which == "double_value":
        number = metric.double_value
    elif which == "float_value":
        number = metric.float_value
    elif which == "boolean_value":
        number = float(metric.boolean_value)
    elif which == "int_value":
        number = whole(metric.int_value, datatype)
    elif which == "long_value":
        number = whole(metric.long_value, datatype)
    elif which == "string_value":
        text = metric.string_value
        if isinstance(text, bytes):
            return NO_VALUE, None, _UNREADABLE, "not UTF-8 text"
        return read_value(text, "string" if kind == "auto" else kind)
    elif which is None and metric.is_null:
        return NO_VALUE, None, _NO_DATA, ""
    else:
        return NO_VALUE, None, _UNREADABLE, f"a {type_name(datatype)}, which no tag can hold"
    if metric.is_null:
        return NO_VALUE, None, _NO_DATA, ""
    if kind == "string":
        boolean = which == "boolean_value"
        return NO_VALUE, str(bool(number)).lower() if boolean else str(number), _GOOD, ""
    if not math.isfinite(number):
        return NO_VALUE, None, _UNREADABLE, "a number that is not finite"
    return float(number), None, _GOOD, ""


def whole(raw: int, datatype: int) -> int:
    """The number that an unsigned field stands for; unknown datatypes are taken as they are."""
    if bits := _SIGNED_BITS.get(datatype):
        raw &= (1 << bits) - 1
        return raw - (1 << bits) if raw >> (bits - 1) else raw
    bits = _UNSIGNED_BITS.get(datatype, 64)
    return raw & ((1 << bits) - 1)


def read_quality(properties: PropertySet) -> int:
    """The quality that the property ``Quality`` names (section 6.4.15: 0, 192 or 500).

    Other numbers are read as OPC Classic: below 64 bad, below 192 uncertain, below 256 good.
    """
    for name, found in zip(properties.keys, properties.values, strict=False):
        if name == "Quality":
            code = found.int_value or found.long_value
            if code == _STALE:
                return int(Quality.UNCERTAIN_LAST_USABLE_VALUE)
            if code < 64:
                return int(Quality.BAD)
            return _GOOD if 192 <= code < 256 else int(Quality.UNCERTAIN)
    return _GOOD


def read_time_us(metric_ms: int, payload_ms: int) -> int | None:
    """Microseconds UTC of the metric, else of its payload; None if neither is a sound time."""
    for milliseconds in (metric_ms, payload_ms):
        if milliseconds and is_sound_time(milliseconds * 1000):
            return milliseconds * 1000
    return None
