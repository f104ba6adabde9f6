"""The download, against a local HTTP server that can misbehave."""

import hashlib
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import fetch_checkpoint
from tools.base.errors import CheckpointError
from tools.fetch_checkpoint import fetch, main, partial_path
from tools.ports.spec import PUBLISHED_SPEC

ROOT = Path(__file__).resolve().parent.parent
BODY = bytes(range(256)) * 1200
MD5 = hashlib.md5(BODY).hexdigest()


@dataclass
class Behaviour:
    """What the server does with a request, and the Range headers that it saw."""

    body: bytes = BODY
    ranges: bool = True
    announce: bool = True
    close_after: int | None = None
    wrong_range: bool = False
    redirect: str | None = None
    status: int = 200
    seen: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        how, asked = self.behaviour, self.headers.get("Range")
        how.seen.append(asked)
        if how.redirect is not None:
            self.send_response(302)
            self.send_header("Location", how.redirect)
            self.end_headers()
            return
        match = re.fullmatch(r"bytes=(\d+)-", asked or "") if how.ranges else None
        start = int(match[1]) if match else 0
        if match and start >= len(how.body):
            self.send_error(416)
            return
        self._send(how, start, partly=match is not None)

    def _send(self, how: Behaviour, start: int, *, partly: bool) -> None:
        self.send_response(206 if partly else how.status)
        if partly:
            shown = start + 1 if how.wrong_range else start
            self.send_header("Content-Range", f"bytes {shown}-{len(how.body) - 1}/{len(how.body)}")
        if how.announce:
            self.send_header("Content-Length", str(len(how.body) - start))
        self.end_headers()
        self.wfile.write(how.body[start:][: how.close_after])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Behaviour]]:
    monkeypatch.setenv("no_proxy", "*")
    behaviour = Behaviour()
    handler = type("Handler", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/weights.pth", behaviour
        running.shutdown()
        thread.join()


def refused(url: str, target: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        fetch(url, target, MD5, timeout_seconds=5)
    assert caught.value.gate == "checkpoint.md5"
    return str(caught.value)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_downloads_verifies_and_leaves_only_the_file(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    target = tmp_path / "new" / "weights.pth"
    assert fetch(url, target, MD5)
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["weights.pth"]
    assert behaviour.seen == [None]


def test_the_right_file_is_left_alone_without_asking_the_server(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    (tmp_path / "weights.pth").write_bytes(BODY)
    assert not fetch(url, tmp_path / "weights.pth", MD5)
    assert behaviour.seen == []


def test_another_file_under_the_name_is_never_touched(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    target.write_bytes(b"mine")
    text = refused(server[0], target)
    assert "left untouched" in text
    assert "Move it away" in text
    assert target.read_bytes() == b"mine"
    assert names(tmp_path) == ["weights.pth"]


def test_a_folder_and_a_dangling_link_under_the_name_are_refused(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "absent")
    for name in ("folder", "link"):
        assert "something else than a file" in refused(server[0], tmp_path / name)


def test_a_truncated_body_is_kept_and_resumed(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    target = tmp_path / "weights.pth"
    behaviour.close_after = 100_000
    text = refused(url, target)
    assert f"ended early; found 100000 bytes; allowed {len(BODY)} bytes" in text
    assert "resumes" in text
    assert names(tmp_path) == [".weights.pth.download"]
    behaviour.close_after = None
    assert fetch(url, target, MD5)
    assert target.read_bytes() == BODY
    assert behaviour.seen == [None, "bytes=100000-"]
    assert names(tmp_path) == ["weights.pth"]


def test_a_resumed_download_that_ends_early_again_counts_from_the_start(
    server: tuple[str, Behaviour], tmp_path: Path
) -> None:
    url, behaviour = server
    partial_path(tmp_path / "weights.pth").write_bytes(BODY[:1000])
    behaviour.close_after = 50
    assert f"found 1050 bytes; allowed {len(BODY)} bytes" in refused(url, tmp_path / "weights.pth")
    assert partial_path(tmp_path / "weights.pth").read_bytes() == BODY[:1050]


def test_a_server_without_ranges_restarts_cleanly(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.ranges = False
    partial_path(tmp_path / "weights.pth").write_bytes(BODY[:1000])
    assert fetch(url, tmp_path / "weights.pth", MD5)
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert behaviour.seen == ["bytes=1000-"]


def test_a_range_that_was_not_asked_for_is_not_appended(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.wrong_range = True
    partial_path(tmp_path / "weights.pth").write_bytes(BODY[:1000])
    assert fetch(url, tmp_path / "weights.pth", MD5)
    assert behaviour.seen == ["bytes=1000-", None]


@pytest.mark.parametrize("left", [b"x" * 1000, BODY + b"x", b"x" * len(BODY)])
def test_a_part_of_another_file_is_thrown_away(server: tuple[str, Behaviour], tmp_path: Path, left: bytes) -> None:
    url, behaviour = server
    partial_path(tmp_path / "weights.pth").write_bytes(left)
    assert fetch(url, tmp_path / "weights.pth", MD5)
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert behaviour.seen == [f"bytes={len(left)}-", None]


def test_a_complete_part_needs_no_server(tmp_path: Path) -> None:
    partial_path(tmp_path / "weights.pth").write_bytes(BODY)
    assert fetch("http://127.0.0.1:9/", tmp_path / "weights.pth", MD5)
    assert names(tmp_path) == ["weights.pth"]


@pytest.mark.parametrize("announce", [True, False])
def test_a_wrong_body_is_removed(server: tuple[str, Behaviour], tmp_path: Path, announce: bool) -> None:
    url, behaviour = server
    behaviour.body, behaviour.announce = b"<html>please log in</html>", announce
    text = refused(url, tmp_path / "weights.pth")
    assert "is not the published checkpoint and was removed" in text
    assert "begins like a web page" in text
    assert f"allowed md5 {MD5}" in text
    assert names(tmp_path) == []


def test_a_body_without_length_is_believed_for_its_md5(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.announce = False
    assert fetch(url, tmp_path / "weights.pth", MD5)


@pytest.mark.parametrize("status", [404, 416, 503, 204])
def test_other_answers_are_refused_and_leave_nothing(
    server: tuple[str, Behaviour], tmp_path: Path, status: int
) -> None:
    url, behaviour = server
    behaviour.status = status
    assert str(status) in refused(url, tmp_path / "weights.pth")
    assert names(tmp_path) == []


def test_an_unreachable_server_keeps_what_was_there(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    partial_path(tmp_path / "weights.pth").write_bytes(BODY[:10])
    assert "cannot download" in refused("http://127.0.0.1:9/weights.pth", tmp_path / "weights.pth")
    assert names(tmp_path) == [".weights.pth.download"]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/x", "/etc/passwd", "http://", "http://[x/", "data:,x"]
)
def test_only_web_addresses_are_opened(tmp_path: Path, url: str) -> None:
    assert "not a web address" in refused(url, tmp_path / "weights.pth")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "reason"), [("file:///etc/passwd", "is not allowed"), ("ftp://127.0.0.1:9/x", "unknown url type: ftp")]
)
def test_a_redirect_leads_nowhere_else(server: tuple[str, Behaviour], tmp_path: Path, url: str, reason: str) -> None:
    server[1].redirect = url
    assert reason in refused(server[0], tmp_path / "weights.pth")
    assert names(tmp_path) == []


def test_two_downloads_of_one_file_do_not_mix(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    with fetch_checkpoint._exclusive(partial_path(tmp_path / "weights.pth")):
        assert "another process is downloading" in refused(server[0], tmp_path / "weights.pth")


def test_a_disk_that_takes_no_more_is_named(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        text = refused(server[0], tmp_path / "weights.pth")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ".weights.pth.download: cannot write the download: File too large" in text
    assert names(tmp_path) == [".weights.pth.download"]
    assert fetch(server[0], tmp_path / "weights.pth", MD5)


def test_a_part_that_is_no_file_is_neither_followed_nor_removed(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    partial_path(tmp_path / "weights.pth").symlink_to(tmp_path / "mine")
    assert "something else than a file" in refused(server[0], tmp_path / "weights.pth")
    assert names(tmp_path) == [".weights.pth.download", "mine"]


def spec_of(folder: Path, *, url: str) -> Path:
    text = PUBLISHED_SPEC.read_text()
    text = re.sub(r"(?m)^  md5: .*$", f"  md5: {MD5}", text)
    (folder / "spec.yaml").write_text(re.sub(r"(?m)^  url: .*$", f"  url: {url}", text))
    return folder / "spec.yaml"


def test_the_command_takes_name_and_address_from_the_spec(
    server: tuple[str, Behaviour], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = spec_of(tmp_path, url=server[0])
    assert main([str(tmp_path), "--spec", str(spec)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/alexnet-owt-4df8aa71.pth: downloaded, md5 {MD5}\n"
    assert main([str(tmp_path), "--spec", str(spec)]) == 0
    assert "already there" in capsys.readouterr().out
    assert main([str(tmp_path / "other.pth"), "--spec", str(spec)]) == 0
    assert (tmp_path / "other.pth").read_bytes() == BODY


def test_a_spec_without_an_address_asks_for_one(tmp_path: Path, server: tuple[str, Behaviour]) -> None:
    spec = spec_of(tmp_path, url="null")
    with pytest.raises(CheckpointError, match="--url"):
        main([str(tmp_path), "--spec", str(spec)])
    assert main([str(tmp_path), "--spec", str(spec), "--url", server[0]]) == 0


def test_as_a_command_a_wrong_body_is_one_line_and_status_2(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    server[1].body = b"<html>"
    command = [sys.executable, str(ROOT / "tools" / "fetch_checkpoint.py"), "--url", server[0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {server[0]}: what was downloaded is not the published checkpoint")
    assert names(tmp_path) == []
