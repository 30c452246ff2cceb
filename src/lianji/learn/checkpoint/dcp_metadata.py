"""DCP's metadata as JSON, beside the place of each item in our sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)

from lianji.learn.checkpoint import faults
from lianji.learn.checkpoint.tree import flatten, unflatten

Place = tuple[int, int]
"""A section and a leaf of it."""


def to_json(metadata: Metadata, places: Mapping[MetadataIndex, Place]) -> dict[str, Any]:
    """Raises InputError if a planner of its own keeps what JSON cannot hold."""
    planner = flatten({"planner": metadata.planner_data})
    if planner.leaves:
        raise faults.not_storable("planner_data", planner.values[0])
    return {
        "items": {name: _item(one) for name, one in metadata.state_dict_metadata.items()},
        "planner": planner.tree,
        "places": [
            [index.fqn, None if index.offset is None else list(index.offset), *place]
            for index, place in places.items()
        ],
    }


def from_json(tree: Any) -> tuple[Metadata, dict[MetadataIndex, Place]]:
    metadata = Metadata(
        {name: _item_again(one) for name, one in tree["items"].items()},
        planner_data=unflatten(tree["planner"], int)["planner"],
    )
    places = {
        MetadataIndex(name, offset): (section, leaf)
        for name, offset, section, leaf in tree["places"]
    }
    return metadata, places


def _item(one: TensorStorageMetadata | BytesStorageMetadata) -> dict[str, Any] | None:
    if isinstance(one, BytesStorageMetadata):
        return None
    return {
        "dtype": str(one.properties.dtype).removeprefix("torch."),
        "requires_grad": one.properties.requires_grad,
        "size": list(one.size),
        "chunks": [[list(chunk.offsets), list(chunk.sizes)] for chunk in one.chunks],
    }


def _item_again(one: dict[str, Any] | None) -> TensorStorageMetadata | BytesStorageMetadata:
    if one is None:
        return BytesStorageMetadata()
    dtype = getattr(torch, one["dtype"])
    return TensorStorageMetadata(
        TensorProperties(dtype=dtype, requires_grad=one["requires_grad"]),
        torch.Size(one["size"]),
        [ChunkStorageMetadata(torch.Size(o), torch.Size(s)) for o, s in one["chunks"]],
    )
