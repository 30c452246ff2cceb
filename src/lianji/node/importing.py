"""Files of the past into a plant, whether it runs or not, by the same way as everything else.

A plant that does not run is opened here: spool, then history. One that runs is sent the samples
over its own push endpoint. Either way a second import of the same file adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
import pyarrow as pa

from lianji.base.errors import Busy, InputError, LianjiError, LinkDown, Text
from lianji.connect.files.options import ImportOptions
from lianji.connect.files.pieces import Piece, Rejected
from lianji.connect.files.reader import read_file
from lianji.dictionary.batch import TIME_TYPE, Batch
from lianji.dictionary.tag_ids import TagIds
from lianji.history.historian import Historian
from lianji.node.asked import credentials
from lianji.node.configuration import load_tags
from lianji.node.folder import PlantFolder, Running
from lianji.spool.spool import Spool

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""
FLUSH_ROWS = 1_000_000


@dataclass(slots=True)
class Report:
    """What an import did. ``rejected`` holds every row and cell that was not taken."""

    samples: int = 0
    rows: int = 0
    tags: set[str] = field(default_factory=set)
    rejected: list[Rejected] = field(default_factory=list)


class Door(Protocol):
    """Where samples are handed over; returning means that they are on disk."""

    def put(self, piece: Piece, paths: list[str]) -> None: ...


def import_file(
    folder: PlantFolder, file: Path, options: ImportOptions, progress: Progress
) -> Report:
    """Import a file into the plant. Tags that the file names get the site and the file's name
    put before them, unless they begin with the site already or ``options.prefix`` says otherwise.

    Raises NotFound, InputError (the file as a whole), StorageError, LinkDown, Busy.
    """
    site = load_tags(folder).settings.site
    if not options.zone:
        options = options.model_copy(update={"zone": site.time_zone})
    report = Report()
    names = _Names(site.name, "" if options.prefix else file.name.split(".")[0])
    with _door(folder, f"import/{file.name}") as door:
        for piece in read_file(file, options):
            paths = [names.full(path) for path in piece.paths]
            if len(piece):
                door.put(piece, paths)
            report.samples += len(piece)
            report.rows += piece.rows
            report.tags.update(paths)
            report.rejected += piece.rejected
            progress(piece.bytes_done, piece.bytes_total)
    return report


class _Names:
    """Full tag paths of what a file calls its columns."""

    def __init__(self, site: str, file: str) -> None:
        self._site = f"{site}/"
        self._prefix = f"{site}/{file}/" if file else self._site

    def full(self, path: str) -> str:
        return path if path.startswith(self._site) else self._prefix + path


@contextmanager
def _door(folder: PlantFolder, origin: str) -> Iterator[Door]:
    running = folder.running()
    if running is not None:
        with httpx.Client(
            base_url=running.address, headers=credentials(folder), timeout=60, trust_env=False
        ) as client:
            yield _RunningPlant(client, running, origin)
        return
    with _opened(folder, origin) as door:
        yield door


class _RunningPlant:
    def __init__(self, client: httpx.Client, running: Running, origin: str) -> None:
        self._client = client
        self._origin = origin
        self._running = running

    def put(self, piece: Piece, paths: list[str]) -> None:
        try:
            answer = self._client.post(
                "/api/push/arrow",
                params={"origin": self._origin},
                content=_arrow(piece, paths),
            )
        except httpx.HTTPError as error:
            raise LinkDown(
                "plant-silent",
                Text(
                    f"{self._running.address} does not answer: {error}.",
                    f"{self._running.address} 没有应答：{error}。",
                ),
                Text(
                    "Import again: what is there already is not doubled.",
                    "请重新导入：已有数据不会重复。",
                ),
            ) from error
        if answer.is_error:
            raise _told(answer)


def _arrow(piece: Piece, paths: list[str]) -> bytes:
    texts = pa.nulls(len(piece), pa.string()) if piece.texts is None else piece.texts
    values = pa.array(piece.values, from_pandas=True)
    table = pa.table(
        {
            "tag": pa.DictionaryArray.from_arrays(pa.array(piece.numbers), pa.array(paths)),
            "time": pa.array(piece.times_us).view(TIME_TYPE),
            "value": values,
            "text": texts,
            "quality": pa.array(piece.quality),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _told(answer: httpx.Response) -> LianjiError:
    kind = Busy if answer.status_code == 503 else InputError
    try:
        said = answer.json()
        return kind(said["code"], Text(**said["cause"]), Text(**said["remedy"]))
    except (ValueError, KeyError, TypeError):
        line = f"The plant answered {answer.status_code}."
        return kind("push-refused", Text(line, line), Text("Try again.", "请重试。"))


@contextmanager
def _opened(folder: PlantFolder, origin: str) -> Iterator[Door]:
    configuration = load_tags(folder)
    settings = configuration.settings
    folder.data.mkdir(parents=True, exist_ok=True)
    names = TagIds.open(folder.tag_ids)
    with Spool(folder.spool, settings.spool, names.path_of) as spool:
        historian = Historian(
            folder.history,
            settings.site.name,
            spool,
            names,
            configuration.is_linear,
            settings.history,
            calculated=configuration.calculated,
        )
        yield _StoppedPlant(names, spool, historian, origin)
        while historian.status().unflushed:
            historian.flush()
        historian.close()


class _StoppedPlant:
    def __init__(self, names: TagIds, spool: Spool, historian: Historian, origin: str) -> None:
        self._origin = origin
        self._names, self._spool, self._historian = names, spool, historian
        self._waiting = 0

    def put(self, piece: Piece, paths: list[str]) -> None:
        ids = self._names.ids_of(paths)[piece.numbers]
        batch = Batch.of(
            ids,
            piece.times_us,
            piece.values,
            piece.quality,
            piece.texts,
            origin=self._origin,
        )
        self._spool.put(batch).result()
        self._waiting += len(batch)
        if self._waiting >= FLUSH_ROWS:
            self._historian.flush()
            self._waiting = 0
