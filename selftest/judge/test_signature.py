"""A signature over the manifest says who made a bundle; without one, or by another, that is said or refused."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from selftest.evidence.bundles import Made, World
from tools.evidence.manifest import write_manifest
from tools.judge.bundle import open_files
from tools.judge.files import Refused
from tools.judge.layout import MANIFEST, SIGNATURE
from tools.judge.signature import NAMESPACE, Signers
from tools.judge.verify import OK, REFUSED, main

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")


@dataclass(frozen=True)
class Signed:
    """A signed bundle, the keys of its signer and of a stranger, and the file of allowed signers, which has one."""

    bundle: Path
    key: Path
    stranger: Path
    allowed: Path

    def sign(self, key: Path, namespace: str = NAMESPACE) -> None:
        """Sign the manifest as it is now."""
        (self.bundle / SIGNATURE).unlink(missing_ok=True)
        ssh_keygen("-Y", "sign", "-f", str(key), "-n", namespace, str(self.bundle / MANIFEST))

    def judged(self, *words: str) -> int:
        """The exit status of the judge that knows whose signature counts."""
        return main([str(self.bundle), "--allowed-signers", str(self.allowed), *words])


def ssh_keygen(*words: str) -> None:
    """Run it."""
    subprocess.run(["ssh-keygen", "-q", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """The files of all tests, which change copies."""
    folder = tmp_path_factory.mktemp("signed")
    small = World(images=60, margin_pp=20.0, tight_pp=19.0, batches=(1,), runs=2)
    found = Signed(Made(small).write(folder / "bundle"), folder / "ci", folder / "other", folder / "allowed")
    for key in (found.key, found.stranger):
        ssh_keygen("-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
    found.allowed.write_text(f'ci@example.org namespaces="npu-port-acceptance" {(folder / "ci.pub").read_text()}')
    found.sign(found.key)
    return found


@pytest.fixture
def signed(made: Signed, tmp_path: Path) -> Signed:
    """A signed bundle to be altered."""
    shutil.copytree(made.bundle, tmp_path / "bundle")
    return Signed(tmp_path / "bundle", made.key, made.stranger, made.allowed)


def test_who_signed_is_said(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--signer", "ci@example.org"]):
        assert signed.judged(*words) == OK
        assert f"bundle {signed.bundle}: signed by ci@example.org: " in capsys.readouterr().out


def test_what_was_not_checked_and_what_is_not_signed_is_said(
    signed: Signed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(signed.bundle)]) == OK
    assert f"bundle {signed.bundle}: {SIGNATURE} not checked, name --allowed-signers" in capsys.readouterr().out
    (signed.bundle / SIGNATURE).unlink()
    assert main([str(signed.bundle)]) == OK
    assert f"bundle {signed.bundle}: unsigned: anybody can have made it" in capsys.readouterr().out
    assert signed.judged() == REFUSED
    assert f"unsigned, there is no {SIGNATURE}; where it is made: ssh-keygen -Y sign " in capsys.readouterr().out


def test_a_consistent_forgery_is_no_longer_what_was_signed(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    (signed.bundle / "notes.txt").write_text("all is well")
    write_manifest(signed.bundle)
    assert main([str(signed.bundle)]) == OK
    assert signed.judged() == REFUSED
    assert f"{SIGNATURE} is no signature by any of them of {signed.allowed}" in capsys.readouterr().out


def test_a_stranger_another_name_and_another_purpose_are_refused(
    signed: Signed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert signed.judged("--signer", "boss@example.org") == REFUSED
    assert "is no signature by boss@example.org of " in capsys.readouterr().out
    signed.sign(signed.stranger)
    assert signed.judged() == signed.judged("--signer", "ci@example.org") == REFUSED
    signed.sign(signed.key, namespace="git")
    assert signed.judged() == REFUSED
    signed.sign(signed.key, namespace="npu-port-acceptance")
    assert signed.judged() == OK
    (signed.bundle / SIGNATURE).write_text("none")
    assert signed.judged() == REFUSED


def test_what_a_check_needs_and_lacks_is_one_line(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(signed.bundle), "--allowed-signers", "nowhere"]) == REFUSED
    assert "--allowed-signers nowhere: no such file" in capsys.readouterr().out
    monkeypatch.setenv("PATH", "/nowhere")
    assert signed.judged() == REFUSED
    needed = "bundle: a signature is checked by `ssh-keygen`, which is not on PATH: install OpenSSH 8.2"
    assert needed in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([str(signed.bundle), "--signer", "ci@example.org"])
    assert "--signer is one of --allowed-signers" in capsys.readouterr().err


def test_without_a_file_of_allowed_signers_nothing_is_asked(signed: Signed) -> None:
    files = open_files(signed.bundle)
    assert Signers().line(files) == f"{SIGNATURE} not checked, name --allowed-signers"
    assert Signers(signed.allowed).line(files) == f"signed by ci@example.org: {MANIFEST} and with it every file"


def test_a_manifest_that_changes_while_it_is_read_is_refused(signed: Signed) -> None:
    files = replace(open_files(signed.bundle), manifest_sha256="0" * 64)
    with pytest.raises(Refused, match=f"{MANIFEST} was changed while it was read"):
        Signers(signed.allowed).line(files)


def test_a_name_that_is_no_text_is_nobodys(signed: Signed, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_bytes(signed.allowed.read_bytes().replace(b"ci@", b"c\xff@"))
    with pytest.raises(Refused, match=f"{SIGNATURE} is no signature by any of them of"):
        Signers(allowed).line(open_files(signed.bundle))


def test_a_program_that_does_not_end_is_not_waited_for(signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(words: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(words[0], timeout)

    monkeypatch.setattr(subprocess, "run", waits)
    with pytest.raises(Refused, match=r"`ssh-keygen` cannot check the signature: .* timed out after 60 seconds"):
        Signers(signed.allowed).line(open_files(signed.bundle))
