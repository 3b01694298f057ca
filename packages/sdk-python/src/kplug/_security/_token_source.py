"""Token of a plugin."""

from __future__ import annotations

import logging

from kplug._security._limits import MAX_TOKEN_SIZE
from kplug._security._settings import is_token
from kplug._security._watched_file import UnusableFile, WatchedFile


class TokenSource:
    """Token of a plugin, given or in a file. While a changed file is malformed, the last valid token stays in use."""

    def __init__(self, token: str | None, token_file: str | None, log: logging.Logger) -> None:
        self._token = token or None
        self._file = token_file and WatchedFile(token_file, "token file (KPLUG_TOKEN_FILE)", MAX_TOKEN_SIZE)
        self._log = log
        self._problem = ""

    @property
    def needed(self) -> bool:
        """Reports whether there is, or will be, a token."""
        return bool(self._file) or self._token is not None

    def current(self) -> str | None:
        """Reads the token. Returns `None` if there is none, or not yet."""
        if not self._file:
            return self._token
        try:
            self._token = _token_in(self._file.read())
            self._problem = ""
        except UnusableFile as error:
            self._report(str(error))
        return self._token

    def _report(self, problem: str) -> None:
        """Logs a problem once."""
        if problem == self._problem:
            return
        self._problem = problem
        consequence = "using the previous token" if self._token else "the plugin registers as soon as it is there"
        self._log.warning("%s; %s", problem, consequence)


def _token_in(content: bytes) -> str:
    text = content.decode(errors="replace").strip()
    if not is_token(text):
        # The text is a secret, so no message has it.
        raise UnusableFile("the token file (KPLUG_TOKEN_FILE) has no token")
    return text
