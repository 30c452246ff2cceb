"""A table in a bucket of an S3 store: whole objects, conditional puts, and reads by range."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from lianji.base.clock import to_us
from lianji.base.durable import make_folder
from lianji.base.errors import InputError, StorageError, Text
from lianji.base.ids import new_id
from lianji.history.places.at_once import at_once
from lianji.history.settings import S3Settings

PART_BYTES = 5 << 20
"""The least that S3 takes as a part: what is sent again when a slow line fails is small."""
PARTS_AT_ONCE = 2
SENT_AT_ONCE = 4
TAIL_BYTES = 64 << 10
"""Fetched together with the size: nearly always all of a Parquet footer."""
READ_AHEAD_BYTES = 128 << 10
"""The columns of a row group lie side by side: one request instead of five."""
RETRIES = 3


def _key(settings: S3Settings) -> tuple[str, str]:
    """The id and the secret. Raises InputError if a variable that they name is not set."""
    secret = settings.secret_access_key.get_secret_value()
    return _secret_of(settings.access_key_id), _secret_of(secret)


def _secret_of(given: str) -> str:
    name = given.removeprefix("env:")
    if name == given:
        return given
    if name not in os.environ:
        raise InputError(
            "secret-missing",
            Text(f"The environment variable {name} is not set.", f"环境变量 {name} 未设置。"),
            Text(
                "Set it where Lianji is started: it holds a part of the key of the S3 bucket.",
                "请在启动联机的环境中设置该变量：其中应为 S3 存储桶密钥的一部分。",
            ),
        )
    return os.environ[name]


class BucketPlace:
    """A table in a bucket of an S3 store. Any thread may use it.

    A bucket has no rename and no fsync. What it has: an object appears whole or not at all, and a
    conditional put, by which of two writers of one name exactly one is first. Every upload carries
    its SHA-256, for a signed request alone does not stop a flipped bit (measured: SeaweedFS 4.48
    stores it). Nothing downloads a whole file to answer for a part of it.

    Raises StorageError where the store cannot be reached, refuses, or has no such bucket.
    """

    reads_ahead = True

    def __init__(self, settings: S3Settings, scratch: Path) -> None:
        """``scratch`` is a local folder for drafts, which several processes may share.

        Asks nothing of the store yet. Raises InputError if the key is not where it should be.
        """
        self._settings = settings
        self._key = _key(settings)
        self._store = _opened(settings, self._key, RETRIES)
        # a creation that was done and whose yes was lost must not be sent again: the answer to
        # that would be that another writer was first
        self._store_once = _opened(settings, self._key, 0)
        self._drafts = Drafts(scratch)

    @property
    def url(self) -> str:
        return self._settings.url.rstrip("/")

    @property
    def storage_options(self) -> dict[str, str]:
        """How deltalake and Polars are told of the same store. The secret is in it, in plain text.

        Their commits are conditional puts too, so they may write beside us.
        """
        key_id, secret = self._key
        return {
            "aws_endpoint_url": self._settings.endpoint,
            "aws_region": self._settings.region,
            "aws_access_key_id": key_id,
            "aws_secret_access_key": secret,
            "aws_allow_http": str(self._settings.allow_http).lower(),
            "aws_virtual_hosted_style_request": str(not self._settings.path_style).lower(),
            "aws_conditional_put": "etag",
            "aws_checksum_algorithm": "SHA256",
        }

    # -- small files that are written whole: the log -----------------------------------------

    def create(self, name: str, content: bytes) -> bool:
        """Durably and whole, or not at all; False if there is such a name already.

        After a StorageError it may be there or not: only a look tells.
        """
        with self._explained(name, writes=True):
            try:
                obstore.put(self._store_once, name, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def replace(self, name: str, content: bytes) -> None:
        with self._explained(name, writes=True):
            obstore.put(self._store, name, content, use_multipart=False)

    def read(self, name: str) -> bytes:
        with self._explained(name):
            return obstore.get(self._store, name).bytes().to_bytes()

    def settle(self, name: str) -> None:
        """Nothing to do: an object that is there is durable."""

    # -- data files ------------------------------------------------------------------------

    def local_draft(self, name: str) -> Path:
        """Where the file is to be written, before ``keep`` sends it."""
        return self._drafts.new(name)

    def keep(self, name: str) -> int:
        """Send a written draft, which then goes; its size in bytes.

        A large one goes in parts and is to be seen when all are there. After a StorageError the
        draft is still here, and this may be called again.
        """
        draft = self._drafts.path(name)
        size = draft.stat().st_size
        with self._explained(name, writes=True):
            obstore.put(
                self._store, name, draft, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
        if (stored := self.size(name)) != size:
            said = f"{stored} bytes are there of the {size} that were sent."
            raise _failed(f"{self.url}/{name}", said)
        draft.unlink()
        return size

    def keep_all(self, names: Sequence[str]) -> list[int]:
        return at_once(self.keep, names, SENT_AT_ONCE)

    def open(self, name: str) -> RangeFile:
        """For reading, in one request. Raises FileNotFoundError."""
        with self._explained(name):
            found = obstore.get(self._store, name, options={"range": {"suffix": TAIL_BYTES}})
            tail = found.bytes().to_bytes()
        return RangeFile(self, name, found.meta["size"], tail)

    def range(self, name: str, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``, of which there must be so many."""
        with self._explained(name):
            return obstore.get_range(self._store, name, start=start, end=end).to_bytes()

    def size(self, name: str) -> int | None:
        """In bytes; None if there is no such name."""
        try:
            with self._explained(name):
                return obstore.head(self._store, name)["size"]
        except FileNotFoundError:
            return None

    def remove(self, names: Sequence[str]) -> None:
        """Missing ones are fine."""
        if names:
            with self._explained(names[0], writes=True):
                obstore.delete(self._store, list(names))

    def names(self, prefix: str = "") -> Iterator[tuple[str, int, int]]:
        """Name, bytes and when it was written (us since 1970) of every file below a prefix."""
        with self._explained(prefix):
            for page in obstore.list(self._store, prefix.rstrip("/") or None):
                for one in page:
                    yield one["path"], one["size"], to_us(one["last_modified"])

    @contextmanager
    def _explained(self, name: str, *, writes: bool = False) -> Iterator[None]:
        """The store's errors as ours."""
        where = f"{self.url}/{name}"
        try:
            yield
        except (FileNotFoundError, BaseError) as error:
            # the first part is for everybody, the rest for those who debug the store's client
            said = str(error).partition("\n\nDebug source")[0].strip()[:500]
            if isinstance(error, FileNotFoundError) and not writes and "NoSuchBucket" not in said:
                missing = os.strerror(errno.ENOENT)
                raise FileNotFoundError(errno.ENOENT, missing, where) from None
            raise _failed(where, said) from error


def _opened(settings: S3Settings, key: tuple[str, str], retries: int) -> S3Store:
    return S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key_id=key[0],
        secret_access_key=key[1],
        checksum_algorithm="SHA256",
        virtual_hosted_style_request=not settings.path_style,
        client_options={
            "allow_http": settings.allow_http,
            "timeout": f"{round(settings.timeout_s * 1000)}ms",
        },
        retry_config={"max_retries": retries},
    )


class RangeFile(io.RawIOBase):
    """A file of a bucket to read in any order; what was read ahead is kept until it misses.

    Opening has brought its end, so that Parquet's footer costs no request of its own. (Measured
    with SeaweedFS at 20 ms a round trip, one row group of one file: 47 ms in 2 requests, pyarrow's
    own S3 file system 69 ms in 3, or 163 ms in 7 where pyarrow does not pre-buffer.)
    """

    def __init__(self, place: BucketPlace, name: str, size: int, tail: bytes) -> None:
        self.size = size
        self._place = place
        self._name = name
        self._at = 0
        self._tail = (size - len(tail), tail)
        self._ahead = (0, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_CUR: self._at, os.SEEK_END: self.size}.get(whence, 0))
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Raises StorageError, and FileNotFoundError if the file went since it was opened."""
        start = min(self._at, self.size)
        end = self.size if size is None or size < 0 else min(start + size, self.size)
        self._at = max(self._at, end)
        return self._between(start, end) if start < end else b""

    def _between(self, start: int, end: int) -> bytes:
        for begin, content in (self._tail, self._ahead):
            if begin <= start and end <= begin + len(content):
                return content[start - begin : end - begin]
        until = min(max(end, start + READ_AHEAD_BYTES), self.size)
        self._ahead = (start, self._place.range(self._name, start, until))
        return self._ahead[1][: end - start]


class Drafts:
    """Files on their way to a bucket, in a folder of our own that goes when we do.

    What a killed process left is removed by the next: whoever lives holds a lock on its folder.
    """

    def __init__(self, scratch: Path) -> None:
        make_folder(scratch)
        door = os.open(scratch, os.O_RDONLY)
        try:
            fcntl.flock(door, fcntl.LOCK_EX)  # nobody takes a new folder for an abandoned one
            _remove_abandoned(scratch)
            self._folder = scratch / f"draft-{new_id().hex()}"
            self._folder.mkdir()
            lock = os.open(self._folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            os.close(door)
        self._end = weakref.finalize(self, _leave, self._folder, lock, os.getpid())

    def path(self, name: str) -> Path:
        return self._folder / name

    def new(self, name: str) -> Path:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _remove_abandoned(scratch: Path) -> None:
    for folder in scratch.glob("draft-*"):
        with suppress(FileNotFoundError):  # its owner has just left
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            except BlockingIOError:
                pass
            finally:
                os.close(lock)


def _leave(folder: Path, lock: int, process: int) -> None:
    if os.getpid() == process:  # a fork has not the right to
        shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


_MAKE_IT = Text("Make the bucket, or correct its url.", "请创建该存储桶，或更正其 url。")
_CHECK_THE_KEY = Text(
    "Check access_key_id, secret_access_key, this machine's clock, and that the key may read, "
    "write, list and delete in the bucket.",
    "请检查 access_key_id、secret_access_key 和本机时钟，并确认该密钥可读、写、列举和删除。",
)
_CHECK_THE_STORE = Text(
    "Check the network and the store; what was acknowledged is still in the spool.",
    "请检查网络和存储服务；已确认的数据仍保存在缓存中。",
)


def _failed(where: str, said: str) -> StorageError:
    code, remedy = "bucket-failed", _CHECK_THE_STORE
    if "403 Forbidden" in said or "401 Unauthorized" in said:
        code, remedy = "bucket-denied", _CHECK_THE_KEY
    elif "404 Not Found" in said:
        code, remedy = "bucket-missing", _MAKE_IT
    said = said.rstrip(". ")
    cause = Text(f"The store failed at {where}: {said}.", f"存储服务处理 {where} 时出错：{said}。")
    return StorageError(code, cause, remedy)
