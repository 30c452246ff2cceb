"""The manifest of a checkpoint: what it holds, where every chunk lies, and a hash over itself.

Two lines: 32 hex digits, the xxh3-128 of the second, which is JSON. A chunk may lie in the data
file of an older checkpoint: that is how parameters that do not change are written once.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xxhash

from lianji.learn.checkpoint import faults
from lianji.learn.checkpoint.image import Image
from lianji.learn.checkpoint.tree import Leaf

FILE = "manifest"
DATA = "data"
FORMAT = "lianji-checkpoint-1"
_NAME = re.compile(r"(\d{8,})-step-(\d+)")
_HASH_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Chunk:
    """``file`` is ``<checkpoint>/<data file>``; ``start`` and ``bytes`` are whole pages."""

    file: str
    start: int
    bytes: int
    xxh3: str

    @property
    def owner(self) -> str:
        return self.file.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Section:
    """One image and its leaves. A plain checkpoint has one, a distributed one has one a rank."""

    leaves: tuple[Leaf, ...]
    starts: tuple[int, ...]
    chunks: tuple[Chunk, ...]

    @property
    def image(self) -> Image:
        sizes = tuple(leaf.bytes for leaf in self.leaves)
        return Image(sizes, self.starts, tuple(chunk.bytes for chunk in self.chunks))

    def as_json(self) -> dict[str, Any]:
        return {
            "leaves": [[f.path, f.kind, f.dtype, f.shape, f.bytes] for f in self.leaves],
            "starts": self.starts,
            "chunks": [[c.file, c.start, c.bytes, c.xxh3] for c in self.chunks],
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Section:
        leaves = tuple(Leaf(p, k, d, tuple(s), b) for p, k, d, s, b in given["leaves"])
        chunks = tuple(Chunk(*chunk) for chunk in given["chunks"])
        return cls(leaves, tuple(given["starts"]), chunks)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``tree`` is what ``tree.flatten`` made of the state; of a distributed one, DCP's metadata."""

    name: str
    made_us: int
    tree: Any
    sections: tuple[Section, ...]
    distributed: bool = False

    @property
    def step(self) -> int:
        return step_of(self.name)

    @property
    def chunks(self) -> list[Chunk]:
        return [chunk for section in self.sections for chunk in section.chunks]

    @property
    def owners(self) -> set[str]:
        """The checkpoints whose data files are needed, mostly its own alone."""
        return {chunk.owner for chunk in self.chunks}

    def to_bytes(self) -> bytes:
        body = json.dumps(
            {
                "format": FORMAT,
                "name": self.name,
                "made_us": self.made_us,
                "distributed": self.distributed,
                "tree": self.tree,
                "sections": [section.as_json() for section in self.sections],
            },
            separators=(",", ":"),
            allow_nan=False,
        ).encode("ascii")
        return xxhash.xxh3_128_hexdigest(body).encode() + b"\n" + body + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Manifest:
        """Raises StorageError if it is not whole, or not the manifest of ``name``."""
        body = content[_HASH_DIGITS + 1 : -1]
        expected = xxhash.xxh3_128_hexdigest(body).encode() + b"\n" + body + b"\n"
        if content != expected:
            raise faults.damaged(name, "its manifest does not check", "其清单校验失败")
        given = json.loads(body)
        if given["format"] != FORMAT or given["name"] != name:
            why = f"its manifest is of {given['name']}, format {given['format']}"
            raise faults.damaged(name, why, f"其清单属于 {given['name']}，格式 {given['format']}")
        return cls(
            name,
            given["made_us"],
            given["tree"],
            tuple(Section.from_json(section) for section in given["sections"]),
            given["distributed"],
        )


def made(name: str, tree: Any, sections: Sequence[Section], distributed: bool = False) -> Manifest:
    return Manifest(name, time.time_ns() // 1000, tree, tuple(sections), distributed)


def name_of(serial: int, step: int) -> str:
    """Serials only grow, so the newest is the last by serial, whatever its step."""
    return f"{serial:08d}-step-{step}"


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def serial_of(name: str) -> int:
    return int(name.partition("-")[0])


def step_of(name: str) -> int:
    return int(name.rpartition("-")[2])
