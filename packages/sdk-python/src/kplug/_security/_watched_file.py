"""Files that are read again when they change."""

from __future__ import annotations

import stat
import time
from pathlib import Path

from kplug._security._limits import FILE_SETTLE_TIME


class UnusableFile(Exception):
    """A file is missing, unreadable or malformed. The message names it."""


class WatchedFile:
    """File whose content is read again when it changes, also by the swap of a symbolic link, as kubelets do it."""

    def __init__(self, path: str, description: str, max_size: int) -> None:
        """`description` is the name for messages, for example `CA bundle (KPLUG_TLS_CA)`."""
        self._path = Path(path)
        self._description = description
        self._max_size = max_size
        self._stamp: object = None
        self._content: bytes | None = None

    def read(self) -> bytes:
        """Returns the content: the same object as long as it doesn't change. Raises `UnusableFile`."""
        try:
            return self._read()
        except FileNotFoundError as error:
            raise UnusableFile(f"the {self._description} {self._path} does not exist") from error
        except (OSError, UnusableFile) as error:
            raise UnusableFile(f"the {self._description} {self._path} can't be read: {error}") from error

    def _read(self) -> bytes:
        status = self._path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFile("it is not a regular file")
        if status.st_size > self._max_size:
            raise UnusableFile(f"it has {status.st_size} bytes; the limit is {self._max_size}")
        changed_at = max(status.st_mtime, status.st_ctime)
        stamp = (status.st_dev, status.st_ino, status.st_size, changed_at)
        if self._content is not None and stamp == self._stamp:
            return self._content
        content = self._path.read_bytes()
        # Two writes within the resolution of the file system's clock have the same time.
        self._stamp = stamp if time.time() - changed_at > FILE_SETTLE_TIME else None
        if content != self._content:
            self._content = content
            return content
        return self._content
