"""Download the published checkpoint: `python tools/fetch_checkpoint.py [DEST] [--port NAME] [--url URL]`."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.client
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require()

from tools.base import cli
from tools.base.errors import CheckpointError
from tools.base.files import sha256_of
from tools.base.progress import progress
from tools.judge.ids import CHECKPOINT_LOADS
from tools.judge.spec import Checkpoint
from tools.model.formats.digests import GATES, file_digests, file_gate, in_words, stated, unlike
from tools.model.formats.reading import HEAD_BYTES, foreign
from tools.ports.arguments import add_port, given_port

GATE = CHECKPOINT_LOADS
"""Of an error in which no digest is concerned, until `fetch` gives it the gate of the port's own digest."""
CHUNK_BYTES = 2**20
TIMEOUT_SECONDS = 30.0
KEPT = "what has arrived is kept: the same command resumes it"


def fetch(url: str, target: Path, published: Checkpoint, *, timeout_seconds: float = TIMEOUT_SECONDS) -> bool:
    """Download `url` to `target`; False when the right file was there already.

    The body grows in `.<name>.download` beside the target, which a later call resumes (HTTP Range, where the server
    offers it), and takes the final name only when every digest that the port states is right. A body with another
    digest is removed. The time limit is for the connection and for each wait for data. CheckpointError for everything
    the server or the body lacks. Where no digest is stated nothing tells whether two parts belong together: such a
    download starts anew, and its length must be known.
    """
    try:
        return _fetch(url, target, published, timeout_seconds)
    except CheckpointError as error:
        error.gate = file_gate(published) if error.gate == GATE else error.gate
        raise


def _fetch(url: str, target: Path, published: Checkpoint, timeout_seconds: float) -> bool:
    _require_web_address(url)
    if os.path.lexists(target):
        _require_right(target, published)
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(target)
    with _exclusive(partial) as handle:
        if not published.pinned:
            handle.truncate(0)
        if not (_size(handle) > 0 and _is_right(partial, published)):
            resumed = _download(url, handle, partial, published, timeout_seconds)
            if resumed and not _is_right(partial, published):  # the part that was there belongs to another file
                handle.truncate(0)
                _download(url, handle, partial, published, timeout_seconds)
        _require_body(partial, published, url)
        os.fsync(handle.fileno())
        partial.replace(target)
    return True


def _is_right(path: Path, published: Checkpoint) -> bool:
    """Whether a digest is stated and all that are stated are the file's."""
    return published.pinned and unlike(file_digests(path, published), published) is None


def partial_path(target: Path) -> Path:
    """Where an unfinished download waits to be resumed; unlike `atomic`'s, the name is always the same."""
    return target.with_name(f".{target.name}.download")


def _download(url: str, handle: FileIO, partial: Path, published: Checkpoint, timeout_seconds: float) -> bool:
    """Append what is missing to the partial file; True when the server let us resume it."""
    response, start = _open_from(url, _size(handle), timeout_seconds)
    with response:
        handle.truncate(start)
        missing = _content_length(response)
        if missing is None and not published.pinned and not response.chunked:
            raise _unreachable(url, "the server does not say how long the file is, and no digest of it is stated")
        chunks = 0 if missing is None else -(-missing // CHUNK_BYTES)
        for chunk in progress(_body(response, url), what="download", total=chunks, unit="MiB"):
            _append(handle, chunk, partial)
    received = _size(handle) - start
    if missing is not None and received != missing:
        raise CheckpointError(
            "the download ended early",
            gate=GATE,
            where=url,
            measured=f"{start + received} bytes",
            allowed=f"{start + missing} bytes",
            fix=KEPT if published.pinned else "run this again",
        )
    return start > 0


def _open_from(url: str, start: int, timeout_seconds: float) -> tuple[http.client.HTTPResponse, int]:
    """A response and the byte it begins with: `start` where the server can resume there, else 0."""
    resumed = _open(url, start, timeout_seconds) if start > 0 else None
    if resumed is not None:
        if resumed.status == http.HTTPStatus.OK:
            return resumed, 0
        if re.match(rf"bytes {start}-", resumed.headers.get("Content-Range", "")):
            return resumed, start
        resumed.close()
    whole = _open(url, 0, timeout_seconds)
    if whole is None:
        raise _unreachable(url, "HTTP status 416 for the whole file")
    if whole.status != http.HTTPStatus.OK:
        whole.close()
        raise _unreachable(url, f"HTTP status {whole.status} {whole.reason}")
    return whole, 0


def _open(url: str, start: int, timeout_seconds: float) -> http.client.HTTPResponse | None:
    """Ask for the file from byte `start`; None when it says that there is nothing there (416)."""
    headers = {"User-Agent": "acceptance-suite", **({"Range": f"bytes={start}-"} if start else {})}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (only http and https have a handler)
    try:
        response: http.client.HTTPResponse = _web_only().open(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None
            raise _unreachable(url, f"HTTP status {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, str(error)) from error
    return response


def _web_only() -> urllib.request.OpenerDirector:
    """An opener for http and https, also after a redirect: urllib's default one would follow to ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _body(response: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    try:
        yield from iter(functools.partial(response.read, CHUNK_BYTES), b"")
    except (OSError, http.client.HTTPException) as error:
        reason = f"the connection broke: {type(error).__name__} {error}".rstrip()
        raise CheckpointError(reason, gate=GATE, where=url, fix="run this again, it goes on where it can") from error


def _append(handle: FileIO, chunk: bytes, partial: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[handle.write(rest) :]
    except OSError as error:
        raise CheckpointError(f"cannot write the download: {error.strerror}", gate=GATE, where=partial) from error


@contextlib.contextmanager
def _exclusive(partial: Path) -> Iterator[FileIO]:
    """The partial file opened for appending, for one process at a time; an empty one is not left behind."""
    if os.path.lexists(partial) and (partial.is_symlink() or not partial.is_file()):
        raise CheckpointError("there is something else than a file under this name", gate=GATE, where=partial)
    with partial.open("ab", buffering=0) as handle:  # unbuffered: on a full disk, closing must not fail again
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CheckpointError("another process is downloading this file", gate=GATE, where=partial) from error
        try:
            yield handle
        finally:
            if _size(handle) == 0:
                partial.unlink(missing_ok=True)


def _require_body(partial: Path, published: Checkpoint, url: str) -> None:
    """What came is what the port states; of what nobody pinned, that it is no page or pointer."""
    measured = file_digests(partial, published)
    wrong = unlike(measured, published)
    with partial.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    other = foreign(head) if head else ("it is empty", "")
    page = f", {other[0]}" if other else ""
    if wrong is None and (published.pinned or not other):
        return
    size = partial.stat().st_size
    partial.unlink()
    what = "the published checkpoint" if published.pinned else "a checkpoint"
    raise CheckpointError(
        f"what was downloaded is not {what} and was removed",
        gate=GATES[wrong] if wrong else GATE,
        where=url,
        measured=f"{wrong} {measured[wrong]} ({size} bytes{page})" if wrong else f"{size} bytes{page}",
        allowed=in_words(wrong, stated(published)[wrong]) if wrong else None,
        fix="check the address, a proxy or login page may have answered",
    )


def _require_right(target: Path, published: Checkpoint) -> None:
    if not target.is_file():
        raise CheckpointError("there is something else than a file under this name", gate=GATE, where=target)
    measured = file_digests(target, published)
    wrong = unlike(measured, published)
    if wrong is not None:
        raise CheckpointError(
            "another file lies here, it is left untouched",
            gate=GATES[wrong],
            where=target,
            measured=f"{wrong} {measured[wrong]}",
            allowed=in_words(wrong, stated(published)[wrong]),
            fix="move it away and run this again, or name another DEST",
        )


def _require_web_address(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise CheckpointError("not a web address", gate=GATE, where=url, allowed="http:// or https://", measured=url)


def _unreachable(url: str, reason: str) -> CheckpointError:
    fix = "check the network (HTTPS_PROXY is obeyed), or download it elsewhere and copy it here"
    return CheckpointError(f"cannot download: {reason}", gate=GATE, where=url, fix=fix)


def _content_length(response: http.client.HTTPResponse) -> int | None:
    """How many bytes the server announced for this body; None when it does not say."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _size(handle: FileIO) -> int:
    return os.fstat(handle.fileno()).st_size


def main(argv: Sequence[str] | None = None) -> int:
    """The command: 0 when the checkpoint is there; a SuiteError says why it is not."""
    parser = cli.Parser(
        description="Download a port's checkpoint, resume an interrupted download, verify every digest that is stated."
    )
    parser.add_argument(
        "dest", metavar="DEST", nargs="?", type=Path, default=Path(), help="folder or file name (default: here)"
    )
    add_port(parser)
    parser.add_argument("--url", help="download from here instead; the port's digest is still required")
    arguments = parser.parse_args(argv)
    published = given_port(arguments).spec.checkpoint
    url = arguments.url if arguments.url is not None else published.url
    if url is None:
        raise CheckpointError(
            "the port names no address", gate=file_gate(published), where=arguments.port, fix="name one with --url"
        )
    target = arguments.dest / published.file if arguments.dest.is_dir() else arguments.dest
    fetched = fetch(url, target, published)
    cli.say(f"{target}: {'downloaded' if fetched else 'already there'}, {_verified(target, published)}")
    return cli.EXIT_OK


def _verified(target: Path, published: Checkpoint) -> str:
    """What is known of the bytes, in words: the digests that were verified, or that nobody has pinned the file."""
    found = ", ".join(in_words(algorithm, digits) for algorithm, digits in stated(published).items())
    if found:
        return f"verified: {found}"
    digest = sha256_of(target)
    return f"sha256 {digest}; nobody pinned it, write `sha256: {digest}` into the port once you know whose file it is"


if __name__ == "__main__":
    sys.exit(cli.run(main))
