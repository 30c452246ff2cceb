"""A nested state as JSON and leaves, and back. No pickle: reading one runs nobody's code.

What JSON has stands as it is; the rest is an object of one key that says what it is. Tensors,
arrays and bytes are leaves: ``{"leaf": n}``. Subclasses of dict, list and tuple come back as the
plain kind; an OrderedDict stays one, with torch's ``_metadata``.
"""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from lianji.learn.checkpoint import faults

Kind = Literal["torch", "numpy", "scalar", "bytes"]
INT_BITS_MAX = 63
"""Of what is written as a JSON number; larger ones are hexadecimal."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is needed to make a leaf again, beside its bytes (row-major, as it lay in memory)."""

    path: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(slots=True)
class Flat:
    """A state taken apart; ``values`` are the leaves themselves, by reference."""

    tree: Any = None
    leaves: list[Leaf] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


def torch_if_loaded() -> Any:
    """torch where somebody has imported it: only then can there be a tensor."""
    return sys.modules.get("torch")


def is_tensor(value: object) -> bool:
    torch = torch_if_loaded()
    return torch is not None and isinstance(value, torch.Tensor)


def is_stateful(value: object) -> bool:
    return callable(getattr(value, "state_dict", None)) and not isinstance(value, Mapping)


def flatten(state: Mapping[Any, Any]) -> Flat:
    """Raises InputError for what cannot be held."""
    flat = Flat()
    flat.tree = _encoded(state, "", flat)
    return flat


def _encoded(value: Any, path: str, flat: Flat) -> Any:
    if value is None or type(value) in (bool, str):
        return value
    if isinstance(value, np.generic | np.ndarray | bytes) or is_tensor(value):
        flat.leaves.append(leaf_of(value, path))
        flat.values.append(value)
        return {"leaf": len(flat.leaves) - 1}
    if type(value) in (int, float, complex):
        return _number(value)
    if isinstance(value, Mapping):
        return _mapping(value, path, flat)
    if isinstance(value, list | tuple):
        items = [_encoded(item, f"{path}/{n}", flat) for n, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if is_stateful(value):
        return _encoded(value.state_dict(), path, flat)
    raise faults.not_storable(path, value)


def _number(value: Any) -> Any:
    if isinstance(value, complex):
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": value.hex()}
    return value if value.bit_length() <= INT_BITS_MAX else {"int": hex(value)}


def _mapping(value: Mapping[Any, Any], path: str, flat: Flat) -> Any:
    items = [
        [_key(key, path), _encoded(item, f"{path}/{key}".lstrip("/"), flat)]
        for key, item in value.items()
    ]
    if not isinstance(value, OrderedDict):
        return {"dict": items}
    ordered: dict[str, Any] = {"ordered": items}
    if (metadata := getattr(value, "_metadata", None)) is not None:
        ordered["metadata"] = _encoded(metadata, f"{path}/_metadata", flat)
    return ordered


def _key(key: Any, path: str) -> Any:
    if key is None or type(key) in (bool, str):
        return key
    if type(key) in (int, float, complex):
        return _number(key)
    if type(key) is tuple:
        return {"tuple": [_key(part, path) for part in key]}
    raise faults.not_storable(f"A key of {path or 'the state'}", key)


def leaf_of(value: Any, path: str) -> Leaf:
    """Raises InputError for arrays of objects, sparse, quantized, meta and sharded tensors."""
    if isinstance(value, bytes):
        return Leaf(path, "bytes", "u1", (len(value),), len(value))
    if isinstance(value, np.generic | np.ndarray):
        if value.dtype.hasobject or value.dtype.kind == "V":
            raise faults.not_storable(path, value)
        kind: Kind = "scalar" if isinstance(value, np.generic) else "numpy"
        return Leaf(path, kind, value.dtype.str, value.shape, value.nbytes)
    torch = torch_if_loaded()
    sharded = hasattr(value, "placements") or hasattr(value, "local_shards")
    if sharded or value.layout != torch.strided or value.is_quantized or value.is_meta:
        raise faults.not_storable(path, value)
    dtype = str(value.dtype).removeprefix("torch.")
    return Leaf(path, "torch", dtype, tuple(value.shape), value.numel() * value.element_size())


def unflatten(tree: Any, leaf: Callable[[int], Any]) -> Any:
    """The state again; ``leaf(n)`` gives the n-th leaf."""
    if isinstance(tree, list):
        return [unflatten(item, leaf) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "leaf" in tree:
        return leaf(tree["leaf"])
    if "tuple" in tree:
        return tuple(unflatten(item, leaf) for item in tree["tuple"])
    if "dict" in tree:
        return {unflatten(k, leaf): unflatten(v, leaf) for k, v in tree["dict"]}
    if "ordered" in tree:
        ordered = OrderedDict((unflatten(k, leaf), unflatten(v, leaf)) for k, v in tree["ordered"])
        if "metadata" in tree:
            ordered._metadata = unflatten(tree["metadata"], leaf)  # type: ignore[attr-defined]
        return ordered
    return _number_again(tree)


def _number_again(tree: dict[str, Any]) -> int | float | complex:
    if "int" in tree:
        return int(tree["int"], 16)
    if "float" in tree:
        return float.fromhex(tree["float"])
    real, imaginary = tree["complex"]
    return complex(float.fromhex(real), float.fromhex(imaginary))
