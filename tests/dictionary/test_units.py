"""Units: what UCUM allows passes, the rest is refused with what was meant."""

from __future__ import annotations

import pytest

from lianji.dictionary.unit_atoms import METRIC, PLAIN, PREFIXES
from lianji.dictionary.units import UNIT_LENGTH_MAX, UnitError, check_unit

VALID = """
1 10 % [ppth] [ppm] [ppb] 10* 10*3 10*-6 10^6 /min /h /m3 {rpm} {pcs} {} {pcs}/min %{RH} %[slope]
m mm um nm km cm dm m2 m3 mm2 cm3 dm3 har ar l L mL hL ml dL uL m-1 m+2 m2/s mm2/s m/s2
s ms us ns min h d wk mo a Hz kHz MHz GHz rad deg gon ' '' sr
g kg mg ug t kt Mt u kg/m3 g/cm3 mg/L ug/m3 mg/m3{normal} m3{normal}/h L{standard}/min
K Cel [degF] [degR] mK Cel/min K/min K.m2/W
A mA uA kA V mV kV uV W mW kW MW GW V.A kV.A MV.A kV.A{reactive} kV.A{reactive}.h W.h kW.h MW.h
GW.h TW.h A.h mA.h kA.h Ohm mOhm kOhm MOhm S mS uS uS/cm mS/cm F uF nF pF H mH uH T mT G C mC
Wb lm lx klx cd cd/m2 kW.h/t kW.h/m3 kW.h/{pcs} kW/t W/m2 W/(m2.K) W/(m.K) J kJ MJ GJ TJ J/g
kJ/kg kJ/(kg.K) kcal/h cal cal_IT kcal [Btu_IT] [Btu_IT]/h [HP]
Pa hPa kPa MPa GPa mbar bar ubar atm mm[Hg] mm[H2O] m[H2O] cm[H2O] [in_i'Hg] [in_i'H2O] [psi]
bar{gauge} bar{abs} kPa{gauge} kgf/cm2 kgf N kN MN N.m kN.m mN.m N/mm2 N/m N.m/deg Pa.s mPa.s cP
P St cSt m2.s-1 kg.m-3 kg.m/s2 m.s-2 kg/h t/h t/d kg/s g/min m3/h m3/min m3/s L/min L/h L/s mL/min
[gal_us]/min [cft_i]/min [ft_i] [in_i] [mil_i] [lb_av] [oz_av] [lbf_av] [gal_us] [bbl_us]
mm/s mm/min m/s m/min km/h [mi_i]/h [kn_i] mm/s2 [g] dB dB[SPL] dB[SPL]{A} Np B[W] dB[V]
[pH] [NTU] [FNU] [CFU]/mL mol mmol mol/L mmol/L mol/m3 eq/L kat U/L
bit kbit/s Mbit/s By kBy MBy KiBy MiBy GiBy Bd Bq kBq/m3 Sv uSv/h mSv Gy Ci
tex dtex [den] [diop] [car_m] {shots} {shots}/h g/{pcs} t{CO2} t{CO2}/MW.h kg{ce}/t
(m) (kg.m)/s2 /(h.m2) (m/s)/(K/min) [c] [h] eV keV pc AU [ly] b
g/(100.mL) 10*3/uL m3/(m2.h) kg/(m2.h) L/(min.m2) m[Hg] 60.s
"""

INVALID = """
kwh Wh kWh rpm °C ℃ °F Ohms Ω kΩ µm m³ m² m^2 m**2 Nm Nm3 Nm3/h psi ppm kvar Mvar var kVA VA kvarh
KW Kw Kg KG Mpa MPA pa HZ hz Khz BAR Bar sec hrs hr mins pcs 个 件 度 转/分 r/min L/Min GPM lb lbs
inch feet gal Btu hp Torr mmHg mmH2O inHg barg bara NTU foo xyz kmin kh mdeg m[psi] k% kCel2x
kPa/ /s/ m//s m..s .m m. m- m+ 2m+ (m (m)) ) ( () {a}{b}c} {a {a}} m{°} [foo] [psi [ ] m2-1 (m)2
ha 10*3x m/s^2 kat% Y Yh dah k kk dak µ μS Cell pH ft
"""


@pytest.mark.parametrize("unit", VALID.split())
def test_a_ucum_code_is_accepted(unit: str) -> None:
    assert check_unit(unit) == unit


@pytest.mark.parametrize("unit", INVALID.split())
def test_what_is_not_ucum_is_refused_in_both_languages(unit: str) -> None:
    with pytest.raises(UnitError) as caught:
        check_unit(unit)
    assert unit in caught.value.text.en
    assert unit in caught.value.text.zh


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("°C", "Cel"), ("℃", "Cel"), ("degC", "Cel"), ("deg C", "Cel"), ("°F", "[degF]"),
        ("kwh", "kW.h"), ("kWh", "kW.h"), ("MWh", "MW.h"), ("mWh", "mW.h"), ("度", "kW.h"),
        ("千瓦时/吨", "kW.h/t"), ("kWh/t", "kW.h/t"), ("kvar", "kV.A{reactive}"),
        ("kvarh", "kV.A{reactive}.h"), ("kVA", "kV.A"), ("Ah", "A.h"), ("Nm", "N.m"),
        ("N·m", "N.m"), ("kg*m", "kg.m"), ("Nm3/h", "m3{normal}/h"), ("mg/Nm3", "mg/m3{normal}"),
        ("m³/h", "m3/h"), ("m^2", "m2"), ("m**2", "m2"), ("W/m²K", "W/(m2.K)"),
        ("W/(m²·K)", "W/(m2.K)"), ("kJ/kgK", "kJ/(kg.K)"), ("KW", "kW"), ("Kg", "kg"),
        ("KG/H", "kg/h"), ("Mpa", "MPa"), ("hz", "Hz"), ("kΩ", "kOhm"), ("µS/cm", "uS/cm"),
        ("psi", "[psi]"), ("barg", "bar{gauge}"), ("kPa(g)", "kPa{gauge}"), ("bar(a)", "bar{abs}"),
        ("mmHg", "mm[Hg]"), ("mmH2O", "mm[H2O]"), ("inHg", "[in_i'Hg]"), ("ppm", "[ppm]"),
        ("%RH", "%{RH}"), ("dB(A)", "dB[SPL]{A}"), ("GPM", "[gal_us]/min"), ("L/Min", "L/min"),
        ("m3 / h", "m3/h"), ("kg per h", "kg/h"), ("m3/hr", "m3/h"), ("个", "{pcs}"),
        ("件/h", "{pcs}/h"), ("ha", "har"), ("pH", "[pH]"), ("ft", "[ft_i]"),
        ("rpm", "{rpm}"), ("rpm", "/min"),
    ],
)  # fmt: skip
def test_the_usual_spellings_are_answered_with_what_is_meant(written: str, meant: str) -> None:
    with pytest.raises(ValueError, match="write") as caught:
        check_unit(written)
    assert f"'{meant}'" in str(caught.value)
    check_unit(meant)


def test_the_empty_unit_is_dimensionless() -> None:
    assert check_unit("") == ""


def test_every_atom_is_a_unit_and_only_metric_ones_take_a_prefix() -> None:
    for atom in METRIC:
        assert check_unit(atom) == atom
        assert check_unit(f"k{atom}") == f"k{atom}"
    for atom in PLAIN - {"a"}:
        assert check_unit(atom) == atom
        for prefix in PREFIXES:
            if prefix + atom not in METRIC | PLAIN and not atom.startswith(("'", "%")):
                code = prefix + atom
                if code[:2] in PREFIXES and code[2:] in METRIC:
                    continue
                with pytest.raises(UnitError):
                    check_unit(code)


def test_a_monstrous_unit_is_refused_without_exhausting_the_stack() -> None:
    check_unit("/".join(["m"] * (UNIT_LENGTH_MAX // 2)))
    for monster in ("(" * 100_000 + "m" + ")" * 100_000, "m." * 100_000 + "m", "°" * 100_000):
        with pytest.raises(UnitError) as caught:
            check_unit(monster)
        assert len(caught.value.text.en) < 1000
