"""Nothing private gets into evidence, and nothing else is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.evidence.scrub import Scrubber, scrubber
from tools.judge.acceptance import InputDigest

SCRUB = Scrubber(
    folders=(("/srv/runner/port", "repository"), ("/srv/runner/port/build/cache", "cache"), ("/srv/runner", "home")),
    secrets=("hunter2-hunter2",),
    host_name="ascend-17",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--model=/srv/runner/port/build/cache/onnx/m.onnx", "--model=<cache>/onnx/m.onnx"),
        ("/srv/runner/port/tests", "<repository>/tests"),
        ("cd /srv/runner/port", "cd <repository>"),
        ("/srv/runner/portable", "<home>/portable"),
        ("/srv/runner2/x", "/srv/runner2/x"),
        ("/home/bob/x:/Users/eve/y", "<home>/x:<home>/y"),
        ("/root/.cache", "<home>/.cache"),
        ("/tmp/pytest-of-ann/pytest-1/atc", "/tmp/pytest-of-<user>/pytest-1/atc"),
        ("/opt/npu/imagenet/val", "/opt/npu/imagenet/val"),
        ("https://bob:pass@example.org/x", "https://<secret>@example.org/x"),
        ("token hunter2-hunter2.", "token <secret>."),
        ("on ascend-17: ok", "on <host>: ok"),
        ("ascend-170 and my-ascend-17", "ascend-170 and my-ascend-17"),
        ("[e2e] throughputRate: 311.843, latency: 160337", "[e2e] throughputRate: 311.843, latency: 160337"),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert SCRUB.text(text) == expected


def test_every_text_of_a_record_is_scrubbed() -> None:
    record = InputDigest(name="onnx", path="/srv/runner/port/x", sha256="0", md5=None, size_bytes=1)
    assert SCRUB.record(record).path == "<repository>/x"
    assert SCRUB.record(record).size_bytes == 1


def test_a_path_of_other_bytes_becomes_text_in_a_record_and_is_known_before_that() -> None:
    other, posix = "/srv/\udce4/x", "/srv/" + "\u7f13".encode().decode("ascii", "surrogateescape")
    record = InputDigest(name=posix, path=other, sha256=f"{other}/y", md5=None, size_bytes=1)
    found = Scrubber(folders=((other, "cache"),), secrets=(), host_name="").record(record)
    assert (found.name, found.path, found.sha256) == ("/srv/\u7f13", "<cache>", "<cache>/y")
    assert Scrubber((), (), "").record(record).path == "/srv/\ufffd/x"


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "API_KEY", "NPM_AUTH"])
def test_secrets_of_the_environment_are_known_by_name(name: str) -> None:
    assert scrubber([], {name: "abcdef123"}).text("x abcdef123 y") == "x <secret> y"


@pytest.mark.parametrize(("name", "value"), [("MY_TOKEN", "abc"), ("EDITOR", "abcdef123"), ("SSH_AUTH_SOCK", "/tmp/a")])
def test_short_values_paths_and_other_variables_are_no_secrets(name: str, value: str) -> None:
    assert scrubber([], {name: value}).text(f"x {value} y") == f"x {value} y"


def test_links_to_a_folder_are_known_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    scrub = scrubber([(tmp_path / "link", "cache")], {})
    assert scrub.text(f"{tmp_path}/link/a {tmp_path}/real/b") == "<cache>/a <cache>/b"
