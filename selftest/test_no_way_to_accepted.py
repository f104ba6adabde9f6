"""Ways in which ACCEPTED was once had without a sound device, walked again: none leads there.

A chip that was right when the cache was filled is a fault of the catalogue (selftest/faults/device_faults.py), and so
are the disguised simulators; here everything that gives a simulator away is taken out of the suite itself.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from selftest.faults.device_faults import pretend_device
from selftest.faults.world import World
from selftest.test_reruns import own_inputs
from tools.base.files import ROOT, md5_of
from tools.judge.results import Word


def as_published(world: World) -> None:
    """A port of one's own, of kind published, which pins nothing of the embedded sample."""
    text = re.sub(r"\n *content_sha256: [0-9a-f]{64}", "", world.port.read_text(encoding="utf-8"))
    world.port.write_text(text.replace("kind: sample", "kind: published"), encoding="utf-8")


def test_sample_weights_and_photographs_under_other_names_are_the_sample(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    pretend_device(world, monkeypatch)
    options, _ = own_inputs(world)
    path = world.folder / "unused.pth"
    before = md5_of(path)
    torch.save(dict(reversed(torch.load(path, weights_only=True).items())), path)
    assert md5_of(path) != before
    world.edit_port(before, md5_of(path))
    as_published(world)
    outcome = world.run("-m", "checkpoint or preprocessing or om", *options, sample=False)
    verdict = outcome.acceptance.verdict
    assert (verdict.sample, verdict.simulated) == (True, False)
    assert verdict.word is not Word.ACCEPTED
    judge = [sys.executable, "-IS", str(ROOT / "tools" / "verify_bundle.py"), str(world.folder / "evidence")]
    done = subprocess.run([*judge, "--require", "ACCEPTED"], capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    assert "VERDICT: ACCEPTED" not in done.stdout
