"""Where evidence is asked for: through a link, over a bundle that cannot be removed, where nothing can be written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.evidence.bundles import NO_SCRUBBING, Made
from selftest.evidence.bundles import World as SmallRun
from selftest.faults.world import World
from tools.base.files import ROOT
from tools.evidence.staging import EvidenceError, Staging, open_staging
from tools.judge.acceptance import FILE

SMALL = SmallRun(images=20, margin_pp=40.0, batches=(1,))


def test_a_link_to_a_folder_stays_one_and_the_folder_is_replaced(world: World) -> None:
    place, link = world.folder / "elsewhere" / "place", world.folder / "evidence"
    place.mkdir(parents=True)
    link.symlink_to(place)
    for _ in range(2):
        outcome = world.run("-m", "checkpoint")
        assert outcome.exit_code == 0, outcome.text
        assert f"evidence: {place} " in outcome.text
    assert link.readlink() == place
    assert (place / FILE).is_file()
    assert list(place.parent.iterdir()) == [place]
    assert list(world.folder.glob(".*")) == []


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    place.symlink_to(place)
    with pytest.raises(EvidenceError, match="this is a file"):
        open_staging(place, NO_SCRUBBING)


def keep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no folder with a bundle be removed."""
    right = shutil.rmtree

    def rmtree(path: Path, ignore_errors: bool = False) -> None:
        if (path / FILE).exists():
            if not ignore_errors:
                raise PermissionError(13, "Permission denied", "report.html")
            return
        right(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", rmtree)


def test_an_old_bundle_that_cannot_be_removed_does_not_keep_the_new_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    old = (place / FILE).stat().st_ino
    staging = open_staging(place, NO_SCRUBBING)
    with monkeypatch.context() as patch:
        keep(patch)
        assert staging.publish(Made(SMALL).acceptance()) == place
        staging.discard()
    assert (place / FILE).stat().st_ino != old
    assert staging.leftover == staging.folder, "under no name that a later run would put back"
    assert (staging.folder / FILE).stat().st_ino == old
    staging.discard()
    assert staging.leftover is None


def test_a_bundle_moved_aside_that_cannot_be_removed_refuses_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    shutil.copytree(place, tmp_path / f".evidence.{2**22 + 1}.replaced")
    keep(monkeypatch)
    assert isinstance(open_staging(place, NO_SCRUBBING), Staging)


def test_the_folder_of_the_pieces_is_there_from_the_start(tmp_path: Path) -> None:
    staging = open_staging(tmp_path / "new" / "evidence", NO_SCRUBBING)
    assert list(staging.folder.iterdir()) == []


@pytest.mark.parametrize("place", ["file/evidence", "file/below/evidence", "e" * 300])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvidenceError, match=r"evidence cannot be written here: .*Name another folder with --evidence"):
        open_staging(tmp_path / place, NO_SCRUBBING)


def test_a_run_that_cannot_write_its_evidence_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "evidence"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--sample", "-p", "no:cacheprovider", f"--evidence={place}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {place}: evidence cannot be written here: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1
