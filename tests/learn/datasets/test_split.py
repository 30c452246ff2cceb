"""Parts are stretches of time; chance needs a reason."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lianji.base.errors import InputError
from lianji.learn.datasets.spec import DataSetSpec, spec_of
from lianji.learn.datasets.split import Splitter
from tests.learn.datasets.world import MINUTES, SPEC, World, minutes, signals

RANGE = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-11T00:00:00Z", "step": "1h"}


def spec(**more: object) -> DataSetSpec:
    return spec_of(RANGE | {"tags": ["a"]} | more, "here")


@pytest.mark.parametrize(
    "split",
    [
        {"train": 0.6, "validation": 0.2, "test": 0.2},
        {"validation_from": "2026-01-07T00:00:00Z", "test_from": "2026-01-09T08:00:00+08:00"},
    ],
)
def test_parts_follow_one_another(split: dict[str, object]) -> None:
    made = spec(split=split)
    splitter = Splitter(made)
    hours = made.start_us + np.arange(240) * 3_600_000_000
    assert splitter.names == ["train", "validation", "test"]
    assert np.bincount(splitter.places(hours)).tolist() == [144, 48, 48]
    assert (np.diff(splitter.places(hours)) >= 0).all()


def test_every_row_is_in_one_part(world: World) -> None:
    world.put("plant/flow", minutes(), signals()["plant/flow"])
    world.spec("d", SPEC + 'tags = ["plant/flow"]\n[split]\ntrain = 0.7\ntest = 0.3\n')
    manifest = world.make("d").manifest
    assert [one.part for one in manifest.files] == ["train", "test"]
    folder = world.sets.path_of(manifest)
    times = [pq.read_table(folder / one.file)["time"].cast(pa.int64()) for one in manifest.files]
    assert max(times[0].to_pylist()) < min(times[1].to_pylist())
    assert len(times[0]) + len(times[1]) == MINUTES
    assert manifest.files[0].end_us == manifest.files[1].start_us


def test_a_random_split_needs_an_argument(world: World) -> None:
    for because in ("", "  "):
        with pytest.raises(InputError) as caught:
            spec(split={"train": 0.5, "test": 0.5, "random": {"because": because}})
        assert caught.value.code == "dataset-split-random"
    world.put("plant/flow", minutes(), signals()["plant/flow"])
    world.spec(
        "d",
        SPEC + 'tags = ["plant/flow"]\n[split]\ntrain = 0.8\ntest = 0.2\n'
        '[split.random]\nbecause = "rows are separate castings"\n',
    )
    manifest = world.make("d").manifest
    assert manifest.spec.split is not None and manifest.spec.split.random is not None
    assert manifest.spec.split.random.because == "rows are separate castings"
    assert manifest.files[0].rows / MINUTES == pytest.approx(0.8, abs=0.02)
    assert not world.make("d").is_new


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"split": {"train": 0.5, "test": 0.4}}, "add up to 1"),
        ({"split": {"train": 1.0}}, "split.train"),
        ({"split": {"validation": 0.5, "test": 0.5}}, "train and at least another"),
        ({"split": {"train": 0.5, "test_from": "2026-01-05T00:00:00Z"}}, "either shares"),
        ({"split": {"test_from": "2026-02-05T00:00:00Z"}}, "within the range"),
        ({"start": "-1h"}, "means another time each day"),
        ({"start": "2026-01-01T00:00:00"}, "has no zone"),
        ({"end": "2025-01-01T00:00:00Z"}, "not before the end"),
        ({"step": ""}, "needs a step"),
        ({"step": "soon"}, "not a span"),
        ({"step": "10us"}, "more than 5,000,000 steps"),
        ({"tags": []}, "name tags or columns"),
        ({"aggregate": "meen"}, "'mean'"),
        ({"kind": "raw"}, "neither a step"),
        ({"tag": "a"}, "there is no field tag"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        spec(**wrong)
    assert caught.value.code == "dataset-spec-invalid"
    assert said in caught.value.cause.en


def test_a_target_that_is_no_column_is_refused(world: World) -> None:
    world.put("plant/flow", minutes(5), np.arange(5.0))
    world.spec("d", SPEC + 'tags = ["plant/flow"]\ntarget = "plant/fluw"')
    with pytest.raises(InputError, match="'plant/fluw' is no column"):
        world.make("d")
