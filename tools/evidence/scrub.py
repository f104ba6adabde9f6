"""Take out of evidence what is nobody's business: home folders, secrets of the environment, the host's name."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from tools.judge import records

SHORTEST_SECRET = 6
SHORTEST_HOST_NAME = 4
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,200}(?=@)")
_PYTEST_USER = re.compile(r"(?<=/pytest-of-)[^/\s]+")
_HOME = re.compile(r"/(?:home|Users)/[^/\s:'\"]+|/root(?=/|\b)")

T = TypeVar("T")


@dataclass(frozen=True)
class Scrubber:
    """Replaces known folders by `<name>`, other home folders by `<home>`, secrets by `<secret>`, the host's name.

    `folders` are (path, name) pairs, replaced from the longest path to the shortest, only where a path ends there.
    """

    folders: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    host_name: str

    @cached_property
    def _known(self) -> re.Pattern[str] | None:
        paths = sorted((re.escape(path) for path, _ in self.folders), key=len, reverse=True)
        return re.compile(rf"(?<![\w.-])(?:{'|'.join(paths)})(?![\w.-])") if paths else None

    def text(self, text: str) -> str:
        """The text without them."""
        names = dict(self.folders)
        for secret in self.secrets:
            text = text.replace(secret, "<secret>")
        text = _URL_LOGIN.sub("<secret>", text)
        if self._known is not None:
            text = self._known.sub(lambda match: f"<{names[match[0]]}>", text)
        text = _PYTEST_USER.sub("<user>", _HOME.sub("<home>", text))
        if len(self.host_name) >= SHORTEST_HOST_NAME and self.host_name != "localhost":
            text = re.sub(rf"(?<![\w-]){re.escape(self.host_name)}(?![\w-])", "<host>", text)
        return text

    def record(self, record: T) -> T:
        """The same record with every text in it scrubbed, and a path that is no UTF-8 made readable."""
        return records.read(type(record), self._plain(records.plain(record)))

    def _plain(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if isinstance(value, dict):
            return {key: self._plain(item) for key, item in value.items()}
        return [self._plain(item) for item in value] if isinstance(value, list) else value


def scrubber(folders: Sequence[tuple[Path, str]], environment: Mapping[str, str]) -> Scrubber:
    """The scrubber of this process: these folders, the home folder, and whatever the environment keeps secret."""
    home = environment.get("HOME", "")
    pairs = [*folders, *([(Path(home), "home")] if len(home) > 1 else [])]
    known = {str(spelling): name for path, name in pairs for spelling in (path.absolute(), path.resolve())}
    secrets = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET and not value.startswith(os.sep)
    }
    return Scrubber(tuple(known.items()), tuple(sorted(secrets, key=len, reverse=True)), socket.gethostname())
