"""Make a version of a data set: freeze, compare with the versions that are there, report, keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path

from lianji.base.clock import now_us
from lianji.base.errors import StorageError, Text
from lianji.dictionary.tag import Tag
from lianji.history.digest import DAY_US, digest
from lianji.history.moment import Moment
from lianji.learn.datasets.changes import changes_between
from lianji.learn.datasets.columns import columns_of
from lianji.learn.datasets.freezing import DayDigest, frozen_rows, schema_of
from lianji.learn.datasets.manifest import (
    Change,
    FrozenColumn,
    Manifest,
    PartFile,
    Source,
    file_hash,
    hash_of,
    write_manifest,
)
from lianji.learn.datasets.report.kept import REPORT
from lianji.learn.datasets.report.reporting import write_report
from lianji.learn.datasets.spec import DataSetSpec
from lianji.learn.datasets.split import Splitter
from lianji.learn.datasets.store import DataSets
from lianji.learn.datasets.writing import DIGEST, PartWriter, write_digests

Progress = Callable[[int, int], None]
_PARTS = 1000


@dataclass(frozen=True, slots=True)
class Making:
    """What a version is made of: a specification, one moment of the history, the tags' facts."""

    name: str
    spec: DataSetSpec
    history: Moment
    tags: Mapping[str, Tag]
    where: str = ""
    """Where the specification stands, for what is said of it."""


@dataclass(slots=True)
class Made:
    manifest: Manifest
    is_new: bool
    """False: the version that was there already holds the same."""
    changes: list[Change] = field(default_factory=list)


def make(sets: DataSets, making: Making, progress: Progress = lambda *_: None) -> Made:
    """A new version, or the one that is the same. Raises NotFound, InputError, Busy, StorageError,
    OSError; then no version was begun."""
    name = making.name
    with sets.draft(name) as draft:
        manifest = freeze(making, draft, progress)
        there = list(sets.manifests(name))
        for one in there:
            if one.same_as(manifest):
                return Made(one, False)
        previous = there[0] if there else None
        changes: list[Change] = []
        if previous is not None:
            old = sets.path(name, previous.version)
            changes = changes_between((previous, old), (manifest, draft), making.history)
        write_report(draft, manifest, making.history)
        whole = manifest.model_copy(
            update={
                "version": sets.next_version(name),
                "previous": previous.version if previous else None,
                "changes": changes,
                "beside": {file: file_hash(draft / file) for file in (DIGEST, REPORT)},
            }
        )
        write_manifest(draft, whole)
        sets.keep(draft, name, whole.version)
        return Made(whole, True, changes)


def freeze(making: Making, draft: Path, progress: Progress) -> Manifest:
    """Write the rows and the digest into a folder; the manifest, with no version yet."""
    created_us = now_us()
    spec, history = making.spec, making.history
    columns = columns_of(spec, history, making.tags, making.where or making.name)
    splitter, cells = Splitter(spec), DayDigest(spec, columns)
    with PartWriter(draft, schema_of(spec, columns), splitter) as writer:
        for table, share in frozen_rows(history, spec, columns):
            writer.write(table)
            cells.add(table)
            progress(int(share * _PARTS), _PARTS)
    files = writer.files(spec.start_us, spec.end_us)
    inputs = inputs_of(history, columns)
    samples = digest(history, inputs, spec.start_us, spec.end_us, DAY_US)
    write_digests(draft, spec.start_us, (cells.names, cells.digest), (inputs, samples))
    _refuse_if_unreadable(history)
    return Manifest(
        name=making.name,
        version=0,
        created_us=created_us,
        lianji=installed("lianji"),
        spec=spec,
        source=Source(
            site=history.site,
            table_version=history.table_version,
            behind_table=history.behind_table,
            samples=samples.rows,
        ),
        columns=columns,
        rows=sum(one.rows for one in files),
        files=files,
        beside={},
        hash=hash_of(columns, _by_part(files)),
    )


def inputs_of(history: Moment, columns: Sequence[FrozenColumn]) -> list[str]:
    """The stored tags that columns are made of."""
    return sorted({path for one in columns for path in history.inputs(one.tag)})


def _by_part(files: Sequence[PartFile]) -> list[PartFile]:
    return sorted(files, key=lambda one: one.part)


def _refuse_if_unreadable(history: Moment) -> None:
    """A data set that lacks the rows of a damaged file would be silently another one."""
    if history.unreadable:
        file = sorted(history.unreadable)[0]
        raise StorageError(
            "dataset-incomplete",
            Text(
                f"{len(history.unreadable)} file(s) of the history cannot be read, such as {file}.",
                f"历史库有 {len(history.unreadable)} 个文件无法读取，例如 {file}。",
            ),
            Text(
                "Mend it first (`lianji doctor` says how), or take a range without it.",
                "请先修复（`lianji doctor` 有说明），或选择不涉及该文件的时间范围。",
            ),
        )
