"""What acceptance.json keeps of predictions: each variant's, and whose the checkpoint's are."""

from __future__ import annotations

from dataclasses import dataclass

from tools.judge.accuracy import Loss, TopK
from tools.judge.agreement import Agreement
from tools.judge.basis import DeviceKind, MadeBy, ReferenceBasis, ReferenceDevice
from tools.judge.ids import Variant
from tools.judge.machine_records import HostRecord, Versions


@dataclass(frozen=True)
class VariantRecord:
    """What one model variant (pth, onnx, om_bs1 …) predicted, and what the judge made of it.

    The files hold one row an id of predictions/ids.json: `<name>.top5.npy` int16 (N, 5), best first, and
    `<name>.scores.npy` float32 (N, 5), their logits. `accuracy` is Top-1 to Top-5; `losses` against the pth at Top-1
    and Top-5 and `agreement` are empty and None for the pth itself. `batch` is None where it is no part of the name.
    """

    name: Variant
    batch: int | None
    model_sha256: str
    accuracy: tuple[TopK, ...]
    losses: tuple[Loss, ...]
    agreement: Agreement | None

    @property
    def top5_file(self) -> str:
        """Where the bundle keeps the classes."""
        return f"predictions/{self.name}.top5.npy"

    @property
    def scores_file(self) -> str:
        """Where the bundle keeps their logits."""
        return f"predictions/{self.name}.scores.npy"


@dataclass(frozen=True)
class TakenReference:
    """The run whose predictions of the checkpoint were taken instead of making them: by its name, when it ended, the
    digests of its manifest and of the logits, on what machine and by which device they were made, and from what."""

    run: str
    finished_utc: str
    manifest_sha256: str
    logits_sha256: str
    host: HostRecord
    versions: Versions
    device: ReferenceDevice
    basis: ReferenceBasis


@dataclass(frozen=True)
class ReferenceRecord:
    """By which device the checkpoint's predictions are made, and whose they are: `taken` is None for this run's own."""

    device: ReferenceDevice
    taken: TakenReference | None

    @property
    def made_by(self) -> MadeBy:
        """Who has computed them."""
        if self.taken is not None:
            return MadeBy.OTHER_RUN
        return MadeBy.CPU if self.device.kind is DeviceKind.CPU else MadeBy.CUDA
