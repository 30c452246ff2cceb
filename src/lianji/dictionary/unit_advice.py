"""What somebody meant who wrote a unit that is not UCUM: the usual spellings of the shop floor.

Nothing is ever replaced silently; this only makes the error worth reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

FALSE_FRIENDS = {
    "pH": ("[pH]", "picohenry", "皮亨"),
    "ft": ("[ft_i]", "femtotonne", "飞吨"),
}
"""Valid UCUM, refused all the same: (what was meant, what it says in English, in Chinese)."""

_SIGNS = {
    "℃": "Cel", "°C": "Cel", "° C": "Cel", "ºC": "Cel", "℉": "[degF]", "°F": "[degF]",
    "°": "deg", "º": "deg", "µ": "u", "μ": "u", "Ω": "Ohm", "\u2126": "Ohm", "Å": "Ao",
    "‰": "[ppth]", "％": "%", "／": "/", "（": "(", "）": ")",
    "·": ".", "⋅": ".", "×": ".", "•": ".", "⁻": "-", "−": "-", "¹": "1", "²": "2", "³": "3",
    "㎡": "m2", "㎥": "m3", "㎜": "mm", "㎝": "cm", "㎞": "km", "㎏": "kg", "㎎": "mg",
    "㎾": "kW", "㎐": "Hz", "㎑": "kHz", "㎩": "Pa", "㎪": "kPa", "㎫": "MPa",
}  # fmt: skip

_WHOLE = {
    "rpm": "/min|{rpm}", "r/min": "/min|{rpm}", "rev/min": "/min|{rpm}", "u/min": "/min|{rpm}",
    "1/min": "/min", "转/分": "/min|{rpm}", "转/分钟": "/min|{rpm}", "cpm": "/min",
    "%rh": "%{RH}", "rh%": "%{RH}", "rh": "%{RH}", "percent": "%", "pct": "%",
    "gpm": "[gal_us]/min", "cfm": "[cft_i]/min", "scfm": "[cft_i]{standard}/min",
    "lpm": "L/min", "slpm": "L{standard}/min", "ccm": "cm3", "cc": "cm3", "cbm": "m3",
    "mph": "[mi_i]/h", "fpm": "[ft_i]/min", "fps": "[ft_i]/s", "kph": "km/h", "knot": "[kn_i]",
    "kgf/cm²": "kgf/cm2", "ph": "[pH]", "cosphi": "1", "cosφ": "1", "pf": "1", "度": "kW.h",
    "none": "1", "-": "1", "n/a": "1", "无": "1", "bps": "bit/s", "kbps": "kbit/s",
    "mbps": "Mbit/s", "psia": "[psi]{abs}", "psig": "[psi]{gauge}",
    "kj/kgk": "kJ/(kg.K)", "db(a)": "dB[SPL]{A}", "deg c": "Cel", "deg f": "[degF]",
}  # fmt: skip

_WORDS = {
    "c": "Cel", "degc": "Cel", "celsius": "Cel", "deg_c": "Cel", "摄氏度": "Cel",
    "degf": "[degF]", "fahrenheit": "[degF]", "华氏度": "[degF]", "kelvin": "K", "开": "K",
    "var": "V.A{reactive}", "kvar": "kV.A{reactive}", "mvar": "MV.A{reactive}",
    "varh": "V.A{reactive}.h", "kvarh": "kV.A{reactive}.h", "mvarh": "MV.A{reactive}.h",
    "千乏": "kV.A{reactive}", "乏": "V.A{reactive}",
    "va": "V.A", "kva": "kV.A", "mva": "MV.A", "vah": "V.A.h", "kvah": "kV.A.h",
    "wh": "W.h", "kwh": "kW.h", "mwh": "MW.h", "gwh": "GW.h", "twh": "TW.h", "千瓦时": "kW.h",
    "ah": "A.h", "mah": "mA.h", "kah": "kA.h", "nm": "N.m", "knm": "kN.m", "mnm": "mN.m",
    "ws": "W.s", "pas": "Pa.s", "mpas": "mPa.s", "cp": "cP", "cst": "cSt",
    "nm3": "m3{normal}", "nm3/h": "m3{normal}/h", "sm3": "m3{standard}", "scm": "m3{standard}",
    "nl": "L{normal}", "sl": "L{standard}", "ncm": "m3{normal}",
    "psi": "[psi]", "torr": "mm[Hg]", "mmhg": "mm[Hg]", "inhg": "[in_i'Hg]",
    "mmh2o": "mm[H2O]", "cmh2o": "cm[H2O]", "mh2o": "m[H2O]", "inh2o": "[in_i'H2O]",
    "mmwc": "mm[H2O]", "mws": "m[H2O]", "mwc": "m[H2O]", "inwc": "[in_i'H2O]",
    "bara": "bar{abs}", "barg": "bar{gauge}", "mbara": "mbar{abs}", "mbarg": "mbar{gauge}",
    "kpaa": "kPa{abs}", "kpag": "kPa{gauge}",
    "mpaa": "MPa{abs}", "mpag": "MPa{gauge}", "kg/cm2": "kgf/cm2", "帕": "Pa", "千帕": "kPa",
    "兆帕": "MPa", "巴": "bar",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "秒": "s", "msec": "ms", "毫秒": "ms",
    "mins": "min", "minute": "min", "minutes": "min", "分": "min", "分钟": "min",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "std": "h", "小时": "h", "时": "h",
    "day": "d", "days": "d", "天": "d", "week": "wk", "month": "mo", "year": "a", "yr": "a",
    "in": "[in_i]", "inch": "[in_i]", "feet": "[ft_i]", "foot": "[ft_i]", "yd": "[yd_i]",
    "mile": "[mi_i]", "mil": "[mil_i]", "mils": "[mil_i]", "micron": "um", "毫米": "mm",
    "厘米": "cm", "米": "m", "千米": "km", "公里": "km", "微米": "um", "sqm": "m2", "ha": "har",
    "cum": "m3",
    "lb": "[lb_av]", "lbs": "[lb_av]", "lbf": "[lbf_av]", "oz": "[oz_av]", "ton": "t",
    "tons": "t", "tonne": "t", "tonnes": "t", "吨": "t", "千克": "kg", "公斤": "kg", "克": "g",
    "kgs": "kg", "gram": "g", "grams": "g", "gal": "[gal_us]", "gallon": "[gal_us]",
    "bbl": "[bbl_us]", "litre": "L", "liter": "L", "ltr": "L", "升": "L", "毫升": "mL",
    "立方米": "m3", "平方米": "m2", "方": "m3", "m³": "m3",
    "btu": "[Btu_IT]", "hp": "[HP]", "ps": "[HP]", "kcal": "kcal", "大卡": "kcal", "卡": "cal",
    "ppm": "[ppm]", "ppb": "[ppb]", "ppt": "[pptr]", "ppth": "[ppth]", "ntu": "[NTU]",
    "fnu": "[FNU]", "cfu": "[CFU]", "ohm": "Ohm", "ohms": "Ohm", "kohm": "kOhm", "mohm": "MOhm",
    "欧": "Ohm", "欧姆": "Ohm", "volt": "V", "volts": "V", "伏": "V", "amp": "A", "amps": "A",
    "安": "A", "watt": "W", "watts": "W", "瓦": "W", "千瓦": "kW", "兆瓦": "MW", "千伏": "kV",
    "赫兹": "Hz", "毫安": "mA", "千伏安": "kV.A", "dba": "dB[SPL]{A}",
    "dbm": "dB[W]{mW}", "deg": "deg", "degree": "deg", "degrees": "deg", "grad": "gon",
    "pcs": "{pcs}", "pc": "{pcs}", "pieces": "{pcs}", "piece": "{pcs}", "stk": "{pcs}",
    "个": "{pcs}", "件": "{pcs}", "count": "{count}", "counts": "{count}", "cycles": "{cycles}",
    "shots": "{shots}", "shot": "{shots}", "模": "{shots}", "次": "{count}", "台": "{pcs}",
    "rev": "{rev}", "pulse": "{pulse}", "pulses": "{pulse}", "byte": "By", "bytes": "By",
    "kb": "kBy", "mb": "MBy", "gb": "GBy", "bits": "bit", "baud": "Bd", "mps": "m/s",
    "元": "{CNY}", "cny": "{CNY}", "eur": "{EUR}", "usd": "{USD}", "tco2": "t{CO2}",
    "tce": "t{ce}", "kgce": "kg{ce}", "mbar": "mbar", "at": "kgf/cm2",
}  # fmt: skip

_EXACT = {"mWh": "mW.h", "mVA": "mV.A", "mVAh": "mV.A.h", "mNm": "mN.m", "mOhm": "mOhm"}
"""Where a small m is milli although the other letters look like a mega."""

_USUAL = """
    Pa kPa MPa hPa GPa bar mbar W kW MW GW V mV kV A mA kA Hz kHz MHz GHz m mm cm km um g kg mg t
    s ms min h N kN MN J kJ MJ GJ L mL hL S mS uS Ohm kOhm MOhm F uF nF H mH T mT Wb K Cel lx lm
    cd mol mmol eq rad deg dB Np cal kcal atm cP cSt uS eV Bq Sv Gy kat kgf kW mW
"""
_BY_SMALL_LETTERS = {code.lower(): code for code in reversed(_USUAL.split())}


def likely(unit: str, is_ucum: Callable[[str], bool]) -> list[str]:
    """What was probably meant, the likeliest first; not checked. ``is_ucum`` judges a part."""
    plain = unit.strip()
    for sign, code in _SIGNS.items():
        plain = plain.replace(sign, code)
    whole = _WHOLE.get(unit.strip().lower()) or _WHOLE.get(plain.lower())
    if whole:
        return whole.split("|")
    plain = re.sub(r"(?<=[A-Za-z\]])(?:\^|\*\*)(?=[+-]?\d)", "", plain)
    plain = re.sub(r"\s*(?:[*.]|\bper\b)\s*", _operator, plain)
    plain = re.sub(r"\s*/\s*", "/", plain)
    plain = re.sub(r"/(\w+\d) ?([A-Za-z]\w*)$", r"/(\1.\2)", plain)
    plain = re.sub(r"\(([agAG])\)$", r"\1", plain)
    choices = ["".join(plain.split()), ".".join(plain.split())]
    choices += ["".join(_parts(choice, is_ucum)) for choice in choices]
    if plain.isupper():
        choices = [choice.replace("/H", "/h") for choice in choices]
    return [choice for choice in dict.fromkeys(choices) if choice != unit and is_ucum(choice)][:1]


def _operator(found: re.Match[str]) -> str:
    return "/" if "per" in found[0] else "."


def _parts(unit: str, is_ucum: Callable[[str], bool]) -> Iterator[str]:
    """The unit's parts, those that are not UCUM replaced by what they usually stand for."""
    known = _word(unit)
    if known:
        yield known
        return
    for part in re.split(r"([/.()])", unit):
        if part in ("", "/", ".", "(", ")") or is_ucum(part):
            yield part
        else:
            yield _word(part) or _with_exponent(part)


def _word(part: str) -> str | None:
    small = part.lower()
    return _EXACT.get(part) or _BY_SMALL_LETTERS.get(small) or _WORDS.get(small)


def _with_exponent(part: str) -> str:
    found = re.fullmatch(r"(.*?)([+-]?\d+)", part)
    if found is None:
        return part
    return (_word(found[1]) or found[1]) + found[2]
