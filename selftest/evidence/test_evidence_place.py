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
from tools.evidence.opening import open_staging
from tools.evidence.pieces import EvidenceError
from tools.judge.layout import FILE

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
    assert len(list(place.parent.iterdir())) == 2, "the earlier bundle lies beside the new one"
    assert list(world.folder.glob(".*")) == []


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    place.symlink_to(place)
    with pytest.raises(EvidenceError, match="this is a file"):
        open_staging(place, NO_SCRUBBING)


def test_an_earlier_bundle_is_moved_aside_at_the_start_and_kept_whole(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    for count in (1, 2):
        old = (place / FILE).stat().st_ino
        staging = open_staging(place, NO_SCRUBBING)
        assert not place.exists()
        assert staging.earlier is not None
        assert (staging.earlier / FILE).stat().st_ino == old
        assert staging.publish(Made(SMALL).acceptance()) == place
        assert len(list(tmp_path.glob("evidence.earlier-*"))) == count


def test_what_another_run_published_meanwhile_is_kept_too(tmp_path: Path) -> None:
    place = tmp_path / "evidence"
    staging = open_staging(place, NO_SCRUBBING)
    shutil.copytree(Made(SMALL).write(tmp_path / "other"), place)
    staging.publish(Made(SMALL).acceptance())
    (aside,) = tmp_path.glob("evidence.earlier-*")
    assert (aside / FILE).read_bytes() == (tmp_path / "other" / FILE).read_bytes()


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        (("--co",), True),
        (("-k", "nosuch"), True),
        (("--setup-plan", "-m", "checkpoint"), True),
        (("--co", "selftest/test_argv.py"), False),
    ],
)
def test_a_run_that_did_not_happen_leaves_no_evidence_where_its_own_is_expected(
    words: tuple[str, ...], moved: bool, tmp_path: Path
) -> None:
    place = tmp_path / "evidence"
    Made(SMALL).write(place)
    command = [sys.executable, "-m", "pytest", "--sample", "-p", "no:cacheprovider", f"--evidence={place}", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    aside = list(tmp_path.glob("evidence.earlier-*"))
    assert (place.exists(), len(aside)) == (not moved, int(moved)), done.stdout + done.stderr
    assert (f"earlier evidence, moved aside: {aside[0]}" in done.stdout) if moved else "moved aside" not in done.stdout


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
