"""The download, against a local HTTP server that can misbehave."""

import dataclasses
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

from selftest.checkpoint_files import port_file
from tools import fetch_checkpoint
from tools.base.errors import CheckpointError
from tools.fetch_checkpoint import fetch, main, partial_path
from tools.judge.spec import Checkpoint

ROOT = Path(__file__).resolve().parent.parent
BODY = bytes(range(256)) * 1200
MD5, SHA256 = hashlib.md5(BODY).hexdigest(), hashlib.sha256(BODY).hexdigest()
UNPINNED = Checkpoint(file="weights.pth", source="test")
PUBLISHED = dataclasses.replace(UNPINNED, md5=MD5)


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


def refused(url: str, target: Path, published: Checkpoint = PUBLISHED, gate: str = "checkpoint.md5") -> str:
    with pytest.raises(CheckpointError) as caught:
        fetch(url, target, published, timeout_seconds=5)
    assert caught.value.gate == gate
    return str(caught.value)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_downloads_verifies_and_leaves_only_the_file(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    target = tmp_path / "new" / "weights.pth"
    assert fetch(url, target, PUBLISHED)
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["weights.pth"]
    assert behaviour.seen == [None]


def test_the_right_file_is_left_alone_without_asking_the_server(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    (tmp_path / "weights.pth").write_bytes(BODY)
    assert not fetch(url, tmp_path / "weights.pth", PUBLISHED)
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
    assert fetch(url, target, PUBLISHED)
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
    assert fetch(url, tmp_path / "weights.pth", PUBLISHED)
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert behaviour.seen == ["bytes=1000-"]


def test_a_range_that_was_not_asked_for_is_not_appended(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.wrong_range = True
    partial_path(tmp_path / "weights.pth").write_bytes(BODY[:1000])
    assert fetch(url, tmp_path / "weights.pth", PUBLISHED)
    assert behaviour.seen == ["bytes=1000-", None]


@pytest.mark.parametrize("left", [b"x" * 1000, BODY + b"x", b"x" * len(BODY)])
def test_a_part_of_another_file_is_thrown_away(server: tuple[str, Behaviour], tmp_path: Path, left: bytes) -> None:
    url, behaviour = server
    partial_path(tmp_path / "weights.pth").write_bytes(left)
    assert fetch(url, tmp_path / "weights.pth", PUBLISHED)
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert behaviour.seen == [f"bytes={len(left)}-", None]


def test_a_complete_part_needs_no_server(tmp_path: Path) -> None:
    partial_path(tmp_path / "weights.pth").write_bytes(BODY)
    assert fetch("http://127.0.0.1:9/", tmp_path / "weights.pth", PUBLISHED)
    assert names(tmp_path) == ["weights.pth"]


@pytest.mark.parametrize("announce", [True, False])
def test_a_wrong_body_is_removed(server: tuple[str, Behaviour], tmp_path: Path, announce: bool) -> None:
    url, behaviour = server
    behaviour.body, behaviour.announce = b"<html>please log in</html>", announce
    text = refused(url, tmp_path / "weights.pth")
    assert "is not the published checkpoint and was removed" in text
    assert "it is a web page (HTML)" in text
    assert f"allowed md5 {MD5}" in text
    assert names(tmp_path) == []


def test_a_body_without_length_is_believed_for_its_md5(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.announce = False
    assert fetch(url, tmp_path / "weights.pth", PUBLISHED)


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
    assert fetch(server[0], tmp_path / "weights.pth", PUBLISHED)


def test_a_part_that_is_no_file_is_neither_followed_nor_removed(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    partial_path(tmp_path / "weights.pth").symlink_to(tmp_path / "mine")
    assert "something else than a file" in refused(server[0], tmp_path / "weights.pth")
    assert names(tmp_path) == [".weights.pth.download", "mine"]


WAYS = {
    "sha256": {"sha256": SHA256},
    "a prefix": {"sha256_prefix": SHA256[:8]},
    "both": {"md5": MD5, "sha256": SHA256},
    "all three": {"md5": MD5, "sha256": SHA256, "sha256_prefix": SHA256[:12]},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_stated_digest_is_verified(server: tuple[str, Behaviour], tmp_path: Path, way: str) -> None:
    url, behaviour = server
    published = dataclasses.replace(UNPINNED, **WAYS[way])
    partial_path(tmp_path / "weights.pth").write_bytes(BODY[:1000])
    assert fetch(url, tmp_path / "weights.pth", published)
    assert not fetch(url, tmp_path / "weights.pth", published)
    assert behaviour.seen == ["bytes=1000-"]


@pytest.mark.parametrize(
    ("digests", "gate", "words"),
    [
        ({"md5": MD5, "sha256": "0" * 64}, "sha256", f"sha256 {SHA256} ({len(BODY)} bytes); allowed sha256 {'0' * 64}"),
        ({"md5": "0" * 32, "sha256": SHA256}, "md5", f"md5 {MD5} ({len(BODY)} bytes); allowed md5 {'0' * 32}"),
        ({"sha256_prefix": "01234567"}, "sha256", f"sha256 {SHA256} ({len(BODY)} bytes); allowed sha256 01234567…"),
    ],
)
def test_one_wrong_digest_is_enough(
    server: tuple[str, Behaviour], tmp_path: Path, digests: dict[str, str], gate: str, words: str
) -> None:
    published = dataclasses.replace(UNPINNED, **digests)
    assert words in refused(server[0], tmp_path / "weights.pth", published, f"checkpoint.{gate}")
    assert names(tmp_path) == []
    (tmp_path / "weights.pth").write_bytes(BODY)
    assert "left untouched" in refused(server[0], tmp_path / "weights.pth", published, f"checkpoint.{gate}")


def test_what_the_server_lacks_is_told_at_the_gate_of_the_stated_digest(
    server: tuple[str, Behaviour], tmp_path: Path
) -> None:
    server[1].status = 404
    refused(server[0], tmp_path / "a", dataclasses.replace(UNPINNED, sha256_prefix=SHA256[:8]), "checkpoint.sha256")
    refused(server[0], tmp_path / "a", UNPINNED, "checkpoint.loads")


def test_parts_that_no_digest_can_join_are_not_joined(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.close_after = 1000
    assert "ended early" in (said := refused(url, tmp_path / "weights.pth", UNPINNED, "checkpoint.loads"))
    assert said.endswith("Run this again")
    behaviour.close_after = None
    partial_path(tmp_path / "weights.pth").write_bytes(b"of another file")
    assert fetch(url, tmp_path / "weights.pth", UNPINNED)
    assert (tmp_path / "weights.pth").read_bytes() == BODY
    assert behaviour.seen == [None, None]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>please log in</html>", "found 26 bytes, it is a web page (HTML)"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of git-lfs"),
        (b"", "found 0 bytes, it is empty"),
    ],
)
def test_what_is_plainly_no_checkpoint_is_removed_though_nobody_pinned_it(
    server: tuple[str, Behaviour], tmp_path: Path, body: bytes, words: str
) -> None:
    server[1].body = body
    said = refused(server[0], tmp_path / "weights.pth", UNPINNED, "checkpoint.loads")
    assert "what was downloaded is not a checkpoint and was removed" in said
    assert words in said
    assert names(tmp_path) == []


def test_a_body_without_length_is_not_believed_without_a_digest(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    server[1].announce = False
    said = refused(server[0], tmp_path / "weights.pth", UNPINNED, "checkpoint.loads")
    assert "the server does not say how long the file is" in said


def port_of(folder: Path, *lines: str) -> str:
    return str(port_file(folder, "\n".join(lines)))


def test_the_command_takes_name_address_and_digests_from_the_port(
    server: tuple[str, Behaviour], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = port_of(tmp_path, f"url: {server[0]}", f"md5: {MD5}", f"sha256_prefix: {SHA256[:8]}")
    verified = f"verified: md5 {MD5}, sha256 {SHA256[:8]}…"
    assert main([str(tmp_path), "--port", port]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/own.pth: downloaded, {verified}\n"
    assert main([str(tmp_path), "--port", port]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/own.pth: already there, {verified}\n"
    assert main([str(tmp_path / "other.pth"), "--port", port]) == 0
    assert (tmp_path / "other.pth").read_bytes() == BODY


def test_of_a_checkpoint_that_nobody_pinned_the_digest_is_told_and_where_to_write_it(
    server: tuple[str, Behaviour], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = port_of(tmp_path, f"url: {server[0]}")
    for how in ("downloaded", "already there"):
        assert main([str(tmp_path), "--port", port]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"{tmp_path}/own.pth: {how}, sha256 {SHA256}; nobody pinned it")
        assert f"write `sha256: {SHA256}` into the port" in said


def test_a_port_without_an_address_asks_for_one(tmp_path: Path, server: tuple[str, Behaviour]) -> None:
    port = port_of(tmp_path, "url: null", f"sha256: {SHA256}")
    with pytest.raises(CheckpointError, match="--url") as caught:
        main([str(tmp_path), "--port", port])
    assert caught.value.gate == "checkpoint.sha256"
    assert main([str(tmp_path), "--port", port, "--url", server[0]]) == 0


def test_as_a_command_a_wrong_body_is_one_line_and_status_2(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    server[1].body = b"<html>"
    command = [sys.executable, str(ROOT / "tools" / "fetch_checkpoint.py"), "--url", server[0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {server[0]}: what was downloaded is not the published checkpoint")
    assert names(tmp_path) == []
