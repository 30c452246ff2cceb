"""Specifications of detectors and forecasts are read by their task; drafts become bundles."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.base.errors import InputError
from lianji.learn.models.bundle import Bundle, key_text, pack, unpack
from lianji.learn.models.card import Card
from lianji.learn.training import anomaly, forecast
from lianji.learn.training.result import Trained, write_draft
from lianji.learn.training.spec import spec_of
from tests.learn.training import test_anomaly as pump
from tests.learn.training import test_forecast as shop
from tests.learn.training.in_memory import work_of


def test_the_task_says_which_fields_there_are() -> None:
    found = spec_of({"task": "anomaly", "dataset": "pump", "alarms_per_week": 2}, "a.toml")
    assert isinstance(found, anomaly.Spec)
    assert found.alarms_per_week == 2
    found = spec_of({"task": "forecast", "dataset": "load", "horizons": ["1h", "6h"]}, "a.toml")
    assert isinstance(found, forecast.Spec)
    assert found.algorithm == "lightgbm"


@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("alarms_per_week", {"task": "anomaly", "alarms_per_week": 0}),
        ("windows", {"task": "anomaly", "windows": ["30s", "10s"]}),
        ("horizons", {"task": "forecast", "horizons": []}),
        ("algorithm", {"task": "forecast", "algorithm": "oracle"}),
        ("utc_offset_h", {"task": "forecast", "utc_offset_h": 99}),
    ],
)
def test_a_wrong_field_is_named_in_both_languages(field: str, content: dict[str, object]) -> None:
    with pytest.raises(InputError) as refused:
        spec_of(content | {"dataset": "pump"}, "a.toml")
    assert refused.value.code == "training-spec-invalid"
    assert field in refused.value.cause.en
    assert field in refused.value.cause.zh


def drafts(folder: Path) -> list[Trained]:
    return [pump.trained(pump.plant(), folder), shop.trained(shop.shop_frozen(), folder)]


def test_drafts_are_whole_and_become_signed_bundles(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    for number, made in enumerate(drafts(tmp_path)):
        draft = write_draft(tmp_path / str(number), made)
        card = Card.model_validate_json((draft / "card.json").read_bytes())
        assert card == made.card
        packed = pack(Bundle(card, made.onnx, made.golden), key)
        bundle, owner = unpack(packed, {key_text(key.public_key()): "we"})
        assert (bundle.card, owner) == (made.card, "we")
        assert {len(row) for row in bundle.golden.inputs} == {len(card.inputs)}
        assert {len(row) for row in bundle.golden.outputs} == {len(card.outputs)}


def test_a_specification_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(InputError, match=r"lianji\[train\]"):
        forecast.train(
            work_of(forecast.Spec(task="forecast", dataset="made"), shop.shop_frozen(), tmp_path)
        )
