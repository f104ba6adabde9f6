"""Predictions of the checkpoint that another run has made: its bundle, verified before a number of it is believed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import AccuracyError
from tools.base.files import sha256_of
from tools.engines import torch_engine
from tools.evidence.host import host_record
from tools.evidence.scrub import Scrubber
from tools.judge.basis import PTH_REFERENCE_FITS, DeviceKind, ReferenceDevice
from tools.judge.bundle import Bundle, open_files, read_bundle
from tools.judge.ids import PTH
from tools.judge.layout import REFERENCE_LOGITS
from tools.judge.prediction_records import TakenReference
from tools.judge.results import Verdict
from tools.judge.verify import REFUSED, verify
from tools.pipeline.option_values import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OPTION = "--reference (ACCEPTANCE_REFERENCE)"
ITS_OWN = ("checkpoint.", "pth.")
"""Gates, by their beginning, that a run may not have failed whose predictions of the checkpoint are taken."""


@dataclass(frozen=True)
class Taken:
    """Another run's predictions of the checkpoint: where its bundle lies, the ids of its rows, and what the evidence
    of this run says of it."""

    folder: Path
    ids: tuple[str, ...]
    record: TakenReference

    def scrubbed(self, scrub: Scrubber) -> Taken:
        """The same with what the evidence says of it as the evidence says it."""
        return replace(self, record=scrub.record(self.record))

    def logits(self, scratch: Path) -> NDArray[np.float32]:
        """Every logit (N, classes) from a copy below `scratch`, whose bytes are those that were verified.

        AccuracyError when they are others by now.
        """
        import numpy as np

        copy = scratch / "logits.npy"
        shutil.copyfile(self.folder / REFERENCE_LOGITS, copy)
        if sha256_of(copy) != self.record.logits_sha256:
            raise AccuracyError(
                "the reference was changed since the run began", gate=PTH_REFERENCE_FITS, where=self.folder
            )
        found: NDArray[np.float32] = np.load(copy, mmap_mode="r", allow_pickle=False)
        return found


def read_taken(folder: Path, *, sample: bool) -> Taken:
    """The run of a bundle as one whose predictions can be taken; InputError says why they cannot.

    The offline judge must find that the bundle holds, whatever its word: a run of the checkpoint alone is INCOMPLETE.
    `sample` says that this run is itself of the embedded sample.
    """
    found = verify([("the bundle", partial(open_files, folder))], None)
    if found.status == REFUSED:
        raise InputError(f"{OPTION} does not hold: {found.lines[0]}", where=folder, fix="make that bundle again")
    bundle = read_bundle(str(folder), open_files(folder))
    _refuse_what_is_no_reference(bundle, folder, sample=sample)
    record = bundle.record
    assert record.host is not None  # as the refusals above see to
    assert record.versions is not None
    assert record.reference is not None
    assert record.reference_basis is not None
    return Taken(
        folder,
        bundle.ids,
        TakenReference(
            run=record.run,
            finished_utc=record.finished_utc,
            manifest_sha256=bundle.files.manifest_sha256,
            logits_sha256=bundle.files.digests[REFERENCE_LOGITS],
            host=record.host,
            versions=record.versions,
            device=record.reference.device,
            basis=record.reference_basis,
        ),
    )


def _refuse_what_is_no_reference(bundle: Bundle, folder: Path, *, sample: bool) -> None:
    why = _why_no_reference(bundle, sample=sample)
    if why:
        raise InputError(f"{OPTION} cannot be taken: {why[0]}", where=folder, fix=why[1])


def _why_no_reference(bundle: Bundle, *, sample: bool) -> tuple[str, str] | None:
    """What speaks against a bundle that holds, and what would mend it; None where nothing does."""
    record = bundle.record
    if record.reference is not None and record.reference.taken is not None:
        run = record.reference.taken.run
        return f"its own predictions of the checkpoint were taken from run {run}", "name the bundle of that run"
    if PTH not in bundle.variants or REFERENCE_LOGITS not in bundle.files.digests:
        return "it does not keep every logit of the checkpoint", "make it again with --keep-reference"
    known = (record.host, record.versions, record.reference, record.reference_basis)
    if None in known:
        return "it does not say on what host, by which device and from what they were made", "make it again"
    if record.verdict.sample and not sample:
        return "its reference is of the embedded sample", "make one of this port's own checkpoint and images"
    failed = [
        found.id for found in record.gates if found.check.verdict is Verdict.FAIL and found.id.startswith(ITS_OWN)
    ]
    return (f"its own run failed {failed[0]}", "see its report") if failed else None


def reference_device(kind: DeviceKind) -> ReferenceDevice:
    """The device of this machine that computes the checkpoint's predictions; InputError where `cuda` is absent."""
    if kind is DeviceKind.CPU:
        return ReferenceDevice(kind, host_record().cpu_model, metadata.version("torch"), "", ("float32",))
    why = torch_engine.why_no_cuda()
    if why:
        raise InputError(
            f"--reference-device is cuda, but {why}",
            fix="leave it out, or take a reference made elsewhere (--reference)",
        )
    return torch_engine.cuda_device()
