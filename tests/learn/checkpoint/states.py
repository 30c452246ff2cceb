"""States to save, and whether two are the same to the bit."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import torch
from hypothesis import strategies as st

TORCH_DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn,
]  # fmt: skip
NUMPY_DTYPES = ["<f4", ">f8", "<i8", "?", "<U5", "<c16", "S3", "<M8[us]", "<f2", "u1"]
SHAPES = st.lists(st.integers(0, 4), max_size=3)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape, dtype = draw(SHAPES), draw(st.sampled_from(TORCH_DTYPES))
    seeded = np.random.default_rng(draw(st.integers(0, 2**32)))
    made = torch.empty(shape, dtype=dtype)
    raw = seeded.integers(0, 2, made.numel() * made.element_size(), np.uint8)
    if made.numel():
        made = torch.frombuffer(raw, dtype=dtype).view(shape)
    return made.transpose(0, -1) if made.dim() > 1 and draw(st.booleans()) else made


def arrays() -> st.SearchStrategy[np.ndarray]:
    return st.sampled_from(NUMPY_DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
    )


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.binary(max_size=9) | st.complex_numbers(allow_nan=False)
    | st.floats().map(np.float64) | st.integers(0, 9).map(np.int16)
)  # fmt: skip
keys = st.text(max_size=4) | st.integers() | st.tuples(st.integers(), st.text(max_size=2))
states = st.dictionaries(
    keys,
    st.recursive(
        scalars | tensors() | arrays(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=12,
    ),
    max_size=5,
)


def same(one: Any, other: Any) -> bool:
    """To the bit, with type, shape and order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return one.numel() == 0 or torch.equal(_raw(one), _raw(other))
    if isinstance(one, np.ndarray | np.generic):
        return bool(
            one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, dict):
        return [*one] == [*other] and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return repr(one) == repr(other)


def _raw(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(-1).view(torch.uint8)
