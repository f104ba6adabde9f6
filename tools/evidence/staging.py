"""The evidence bundle: collected piece by piece beside its final place, published whole at the end of a run.

Every worker of a run puts its pieces into one hidden folder; the process that speaks the last word gathers them,
writes acceptance.json and MANIFEST.sha256 and gives the folder its name.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.files import sha256_of
from tools.evidence.aside import set_aside
from tools.evidence.manifest import write_manifest
from tools.evidence.pieces import PIECES, EvidenceError, Pieces, plain
from tools.evidence.place import Place
from tools.evidence.record_file import write_acceptance
from tools.evidence.tool_logs import STDERR
from tools.judge.acceptance import Acceptance, CommandRecord, InputDigest, Reused, SpecRecord
from tools.judge.basis import ReferenceBasis, ReferenceProbe
from tools.judge.consistency.on_device import SIMULATOR_SAYS
from tools.judge.facts import (
    AippFacts,
    BatchErrors,
    BinFacts,
    CheckerFacts,
    CheckpointFacts,
    GraphStepFacts,
    JpegFacts,
    LogitErrors,
    OmFacts,
    OnnxFacts,
    ParityFacts,
    RecipeFacts,
    ThroughputOutputs,
    ToolkitFacts,
    WeightFacts,
)
from tools.judge.files import LARGEST_FILE_BYTES
from tools.judge.handed_in import FOLDER, HandedIn
from tools.judge.handover import Handover
from tools.judge.image_records import DatasetRecord, HandoverFacts
from tools.judge.layout import IDS, LABELS, LOGS, PORT, REFERENCE_LOGITS, SPEC_JSON
from tools.judge.machine_records import HostRecord, MachineRecord, Versions
from tools.judge.op_profile import OnnxNames, OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.prediction_records import ReferenceRecord, VariantRecord
from tools.judge.results import Word
from tools.judge.throughput_records import DeviceThroughput, HostThroughput
from tools.ports.spec import Port
from tools.ports.spec_json import spec_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Classes = NDArray[np.integer]
    Scores = NDArray[np.floating]


MOST_KEPT_BYTES = 8 * 2**20
"""Of a file that was handed in: of a larger one the digest is evidence enough."""
MOST_LOGITS_BYTES = LARGEST_FILE_BYTES - 1_000_000
STRONGEST_WHEN_INTERRUPTED = (Word.INCOMPLETE, Word.REJECTED)

Reporter = Callable[[Path, Acceptance], None]


@dataclass(frozen=True)
class Staging(Pieces):
    """Everything that a run puts into its evidence, and how that becomes a bundle.

    `earlier` is where the bundle of an earlier run was moved to, None where there was none. `latest` is the link that
    leads to the newest run's folder, where this run has one of its own. `holds` are the folders that it uses.
    """

    earlier: Path | None = None
    latest: Path | None = None
    holds: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)

    def put_handover(self, step: str, found: Handover) -> Handover:
        """Keep the ids on both sides of a step."""
        self.put(HandoverFacts(step, found), step)
        return found

    def put_dataset(self, record: DatasetRecord, labels: Mapping[str, int]) -> DatasetRecord:
        """Keep the ids and their labels, in the order that all predictions follow."""
        import numpy as np

        self.write(IDS, _ids_json(labels))
        self.write_array(LABELS, np.fromiter(labels.values(), np.dtype("<i2"), len(labels)))
        return self.put(record, "dataset")

    def put_variant(self, record: VariantRecord, ids: Sequence[str], top5: Classes, scores: Scores) -> VariantRecord:
        """Keep the five best classes of each image (N, 5) and their logits, with what was judged.

        EvidenceError unless the ids are those of the data set, in its order.
        """
        if (self.folder / IDS).read_bytes() != _ids_json(ids):
            raise EvidenceError("the ids are not those of the data set, or in another order", where=record.name)
        self.write_array(record.top5_file, top5.astype("<i2"))
        self.write_array(record.scores_file, scores.astype("<f4"))
        return self.put(record, record.name)

    def put_reference_logits(self, logits: Scores) -> None:
        """Keep every logit of the checkpoint, float32 (N, classes), for another run to take.

        EvidenceError where they are more than any file of a bundle may hold.
        """
        if logits.size * 4 > MOST_LOGITS_BYTES:
            raise EvidenceError(
                "these are more logits than a bundle keeps",
                measured=f"{logits.size * 4} bytes",
                allowed=MOST_LOGITS_BYTES,
            )
        self.write_array(REFERENCE_LOGITS, logits.astype("<f4", copy=False))

    def put_handed_in(self, found: HandedIn, taken_in: Path) -> HandedIn:
        """Keep the record of a file that was handed in, and what was taken in of it where that is small."""
        kept = ""
        if taken_in.stat().st_size <= MOST_KEPT_BYTES:
            kept = f"{FOLDER}/{plain(found.name)}{taken_in.suffix}"
            self.write(kept, taken_in.read_bytes())
        return self.put(replace(found, kept=kept), found.name)

    def put_port(self, port: Port, why: str, *, code: Mapping[str, str]) -> None:
        """Keep the port's files as they were when they were read, and what was understood of them."""
        for name, content in port.files.items():
            self.write(f"{PORT}/{name}", content)
        self.write(SPEC_JSON, spec_json(port.spec))
        record = SpecRecord(
            port=port.spec.port,
            path=str(port.path),
            why=why,
            kind=port.spec.kind,
            json_sha256=sha256_of(self.folder / SPEC_JSON),
            files={name: sha256_of(self.folder / PORT / name) for name in port.files},
            code=dict(code),
        )
        self.put(record, "spec")

    def gathered(self, acceptance: Acceptance) -> Acceptance:
        """The record of the run with every piece that was put here, scrubbed."""
        return replace(
            self.scrub.record(acceptance),
            spec=self.piece(SpecRecord),
            toolkit=self.piece(ToolkitFacts),
            machine=self.piece(MachineRecord),
            digests=tuple(self.pieces(InputDigest)),
            handed_in=tuple(self.pieces(HandedIn)),
            checkpoint=self.piece(CheckpointFacts),
            onnx=self.piece(OnnxFacts),
            onnx_checker=self.piece(CheckerFacts),
            onnx_operators=self.piece(OperatorFacts),
            onnx_weights=self.piece(WeightFacts),
            onnx_logit_errors=self.piece(LogitErrors),
            onnx_graph_step=self.piece(GraphStepFacts),
            dataset=self.piece(DatasetRecord),
            handovers=tuple(self.pieces(HandoverFacts)),
            bins=self.piece(BinFacts),
            parity=self.piece(ParityFacts),
            recipe=self.piece(RecipeFacts),
            aipp=self.piece(AippFacts),
            jpegs=self.piece(JpegFacts),
            oms=tuple(self.pieces(OmFacts)),
            om_batch_errors=self.piece(BatchErrors),
            variants=tuple(self.pieces(VariantRecord)),
            host_throughput=tuple(self.pieces(HostThroughput)),
            device_throughput=tuple(self.pieces(DeviceThroughput)),
            throughput_outputs=tuple(self.pieces(ThroughputOutputs)),
            onnx_names=self.piece(OnnxNames),
            profiles=tuple(self.pieces(OperatorProfile)),
            reference=self.piece(ReferenceRecord),
            reference_basis=self.piece(ReferenceBasis),
            reference_probe=self.piece(ReferenceProbe),
            reused=tuple(self.pieces(Reused)),
            commands=tuple(self.pieces(CommandRecord)),
            host=self.piece(HostRecord),
            versions=self.piece(Versions),
        )

    def discard(self) -> None:
        """Forget a run that decided nothing; what cannot be removed is left to the next run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.holds.close()

    def simulated(self) -> bool:
        """Whether any tool has said that it is the simulator, whatever the run took it for."""
        return any(SIMULATOR_SAYS in path.read_bytes() for path in (self.folder / LOGS).rglob(STDERR))

    def publish(self, acceptance: Acceptance, reporters: Iterable[Reporter] = ()) -> Path:
        """Write acceptance.json, let reporters add their files, seal all by a manifest, and give the folder its name.

        `acceptance` is the run's own part, the pieces are added here. What another run has put there meanwhile is moved
        aside, never overwritten.
        ValueError for an interrupted run that claims more than INCOMPLETE.
        """
        if acceptance.interrupted and acceptance.verdict.word not in STRONGEST_WHEN_INTERRUPTED:
            raise ValueError(f"an interrupted run cannot be {acceptance.verdict.word}")
        acceptance = self.gathered(acceptance)
        write_acceptance(self.folder, acceptance)
        for reporter in reporters:
            reporter(self.folder, acceptance)
        if (self.folder / PIECES).exists():
            shutil.rmtree(self.folder / PIECES)
        write_manifest(self.folder)
        set_aside(self.place)
        self.folder.rename(self.place)
        Place(self.place, self.latest).point()
        return self.place


def _ids_json(ids: Iterable[str]) -> bytes:
    return json.dumps(list(ids), separators=(",", ":"), ensure_ascii=False).encode()
