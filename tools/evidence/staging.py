"""The evidence bundle: collected piece by piece beside its final place, published whole at the end of a run.

Every worker of a run puts its pieces into one hidden folder; the process that speaks the last word gathers them,
writes acceptance.json and MANIFEST.sha256 and gives the folder its name. A bundle of an earlier run is moved aside when
a run begins, so that it never stands where the evidence of this one is expected, and is kept as it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tools.ascend.own_files import OWN
from tools.ascend.runs import AGAIN, TOOL_FILES
from tools.base.errors import SuiteError
from tools.base.files import atomic, sha256_of
from tools.evidence.place import STAMP, Place, held, hidden, hold, unknown_files
from tools.evidence.scrub import Scrubber
from tools.judge import records, strict_json
from tools.judge.acceptance import (
    FILE,
    IDS,
    LABELS,
    LOGS,
    MANIFEST,
    PORT,
    REFERENCE_LOGITS,
    SIGNATURE,
    SPEC_JSON,
    Acceptance,
    CommandRecord,
    DatasetRecord,
    DeviceThroughput,
    HandoverFacts,
    HostRecord,
    HostThroughput,
    InputDigest,
    MachineRecord,
    ReferenceRecord,
    Reused,
    SpecRecord,
    VariantRecord,
    Versions,
)
from tools.judge.basis import ReferenceBasis, ReferenceProbe
from tools.judge.consistency import SIMULATOR_SAYS
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
from tools.judge.files import EARLIER, LARGEST_FILE_BYTES
from tools.judge.handed_in import FOLDER, HandedIn
from tools.judge.handover import Handover
from tools.judge.op_profile import OnnxNames, OperatorProfile
from tools.judge.operators import OperatorFacts
from tools.judge.results import Word
from tools.judge.texts.op_summary import TABLE
from tools.judge.texts.told import STORED
from tools.ports.spec import Port
from tools.ports.spec_json import spec_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Classes = NDArray[np.integer]
    Scores = NDArray[np.floating]

PIECES = "pieces"
MOST_KEPT_BYTES = 8 * 2**20
"""Of a file that was handed in: of a larger one the digest is evidence enough."""
REFERENCES = ("checkpoint", "pth")
COMMAND, STDOUT, STDERR, ENDING = "command.txt", "stdout.txt", "stderr.txt", "ending.json"
MOST_LOGITS_BYTES = LARGEST_FILE_BYTES - 1_000_000
STRONGEST_WHEN_INTERRUPTED = (Word.INCOMPLETE, Word.REJECTED)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Reporter = Callable[[Path, Acceptance], None]
T = TypeVar("T")


class EvidenceError(SuiteError):
    """The evidence cannot be written where it was asked for, or its pieces contradict each other."""


@dataclass(frozen=True)
class Ending:
    """How a vendor tool ended, as tools/base/process.py leaves it beside the streams."""

    returncode: int
    seconds: float
    ended_by: str = ""


@dataclass(frozen=True)
class Staging:
    """The hidden folder of a run's pieces: `.<name>.<pid of the reporting process>.partial` beside the final place.

    `earlier` is where the bundle of an earlier run was moved to, None where there was none. `latest` is the link that
    leads to the newest run's folder, where this run has one of its own. `holds` are the folders that it uses.
    """

    place: Path
    folder: Path
    scrub: Scrubber
    earlier: Path | None = None
    latest: Path | None = None
    holds: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)

    def put(self, record: T, key: str) -> T:
        """Keep a record under its type and `key`; the same key again replaces it (two workers know the same).

        SuiteError for the digest of a file that is another by now: workers would judge one each, as one run.
        """
        path = self.folder / PIECES / type(record).__name__ / f"{_plain(key)}.json"
        if isinstance(record, InputDigest) and path.is_file():
            _require_same(records.read(InputDigest, json.loads(path.read_bytes())), record)
        with atomic(path) as partial:
            partial.write_text(json.dumps(records.plain(self.scrub.record(record))), encoding="utf-8")
        return record

    def put_handover(self, step: str, found: Handover) -> Handover:
        """Keep the ids on both sides of a step."""
        self.put(HandoverFacts(step, found), step)
        return found

    def pieces(self, kind: type[T]) -> list[T]:
        """Every record of this type: the checkpoint's first, then by key, numbers in keys as numbers."""
        paths = (self.folder / PIECES / kind.__name__).glob("*.json")
        return [records.read(kind, json.loads(path.read_bytes())) for path in sorted(paths, key=_natural)]

    def piece(self, kind: type[T]) -> T | None:
        """The only record of this type, None where there is none."""
        found = self.pieces(kind)
        return found[0] if found else None

    def put_dataset(self, record: DatasetRecord, labels: Mapping[str, int]) -> DatasetRecord:
        """Keep the ids and their labels, in the order that all predictions follow."""
        import numpy as np

        self._write(IDS, _ids_json(labels))
        self._write_array(LABELS, np.fromiter(labels.values(), np.dtype("<i2"), len(labels)))
        return self.put(record, "dataset")

    def put_variant(self, record: VariantRecord, ids: Sequence[str], top5: Classes, scores: Scores) -> VariantRecord:
        """Keep the five best classes of each image (N, 5) and their logits, with what was judged.

        EvidenceError unless the ids are those of the data set, in its order.
        """
        if (self.folder / IDS).read_bytes() != _ids_json(ids):
            raise EvidenceError("the ids are not those of the data set, or in another order", where=record.name)
        self._write_array(record.top5_file, top5.astype("<i2"))
        self._write_array(record.scores_file, scores.astype("<f4"))
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
        self._write_array(REFERENCE_LOGITS, logits.astype("<f4", copy=False))

    def put_logs(self, name: str, logs: Path) -> dict[Path, Path]:
        """Copy the streams of vendor tools, scrubbed, every folder below `logs` that base/process.py has written, with
        the figures that a tool stored, the files that it wrote of its own accord, and how to run it again.

        Given back is where each folder will be in the bundle."""
        places: dict[Path, Path] = {}
        for command in sorted(logs.rglob(COMMAND)):
            below = "-".join(map(_plain, command.parent.relative_to(logs).parts))
            folder = f"{LOGS}/{_plain(name)}" + (f"/{below}" if below else "")
            places[command.parent] = self.place / folder
            beside = (STDOUT, STDERR, AGAIN, *STORED.values())
            there = [name for name in beside if (command.parent / name).is_file()]
            own = sorted(path.name for path in command.parent.glob(f"{OWN}*") if path.is_file())
            tables = sorted(path.name for path in command.parent.iterdir() if TABLE.fullmatch(path.name))
            for stream in (COMMAND, *there, *own, *tables):
                text = (command.parent / stream).read_bytes().decode("utf-8", "surrogateescape")
                self._write(f"{folder}/{stream}", self.scrub.text(text).encode("utf-8", "surrogateescape"))
            ending = _ending(command.parent / ENDING)
            argv = tuple((self.folder / folder / COMMAND).read_text("utf-8", "replace").split("\n")[1:-1])
            record = CommandRecord(
                argv=argv,
                folder=folder,
                returncode=None if ending is None else ending.returncode,
                seconds=None if ending is None else ending.seconds,
                files=_tool_files(command.parent / TOOL_FILES),
                ended_by="" if ending is None else ending.ended_by,
            )
            self.put(record, folder.replace("/", "-"))
        return places

    def put_handed_in(self, found: HandedIn, taken_in: Path) -> HandedIn:
        """Keep the record of a file that was handed in, and what was taken in of it where that is small."""
        kept = ""
        if taken_in.stat().st_size <= MOST_KEPT_BYTES:
            kept = f"{FOLDER}/{_plain(found.name)}{taken_in.suffix}"
            self._write(kept, taken_in.read_bytes())
        return self.put(replace(found, kept=kept), found.name)

    def put_port(self, port: Port, why: str, *, code: Mapping[str, str]) -> None:
        """Keep the port's files as they were when they were read, and what was understood of them."""
        for name, content in port.files.items():
            self._write(f"{PORT}/{name}", content)
        self._write(SPEC_JSON, spec_json(port.spec))
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

    def _write(self, name: str, content: bytes) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        with atomic(self.folder / name) as partial:
            partial.write_bytes(content)

    def _write_array(self, name: str, array: NDArray[np.generic]) -> None:
        import numpy as np

        with atomic(self.folder / name) as partial, partial.open("wb") as handle:
            np.lib.format.write_array(handle, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def _require_same(known: InputDigest, found: InputDigest) -> None:
    if known.sha256 != found.sha256:
        raise SuiteError(
            f"{found.name} was replaced while the run went on",
            measured=f"sha256 {found.sha256}",
            allowed=known.sha256,
            fix="run it again",
        )


def set_aside(place: Path) -> Path | None:
    """Move the bundle of an earlier run to `<name>.earlier-<UTC>`, which is returned; None where there is none."""
    if not place.is_dir() or not any(place.iterdir()):
        return None
    stamp = datetime.now(UTC).strftime(STAMP)
    names = (f"{place.name}{EARLIER}{stamp}{again}" for again in ("", *(f"-{number}" for number in range(2, 1000))))
    aside = next(path for name in names if not (path := place.with_name(name)).exists())
    return place.rename(aside)


def open_staging(
    place: Path,
    scrub: Scrubber,
    pid: int | None = None,
    *,
    judges: bool = True,
    latest: Path | None = None,
    uses: Sequence[Path] = (),
) -> Staging:
    """Begin a run's evidence: clear what killed runs left beside `place`, and make the folder of its pieces.

    `pid` is that of the process that reports, None for this one; its workers name it to share one folder. The bundle of
    an earlier run is moved aside, unless this run `judges` nothing by its very purpose; `latest` then leads here, which
    is nowhere until the evidence is whole. No other run removes what this one `uses`.
    EvidenceError for a folder that is no bundle, and where nothing can be written.
    """
    where, folder, holds = Place(place, latest), hidden(place, pid or os.getpid()), ExitStack()
    try:
        _refuse_what_is_no_bundle(place)
        earlier = _make_way(where) if judges and pid is None else None
        for leftover in where.leftovers():
            if not _alive(leftover, ours=folder):
                shutil.rmtree(leftover, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=pid is not None)
        for used in (folder, *uses) if pid is None else ():
            hold(used, holds)
        if judges and pid is None:
            where.point()
    except OSError as error:
        raise EvidenceError(
            f"evidence cannot be written here: {error}", where=place, fix="name another folder with --evidence"
        ) from error
    return Staging(place, folder, scrub, earlier, latest, holds)


def _make_way(place: Place) -> Path | None:
    """Move aside what stands where this run's evidence is expected, which is returned; None where nothing does.

    Before runs had folders of their own, the folder around them was the evidence of the last one.
    """
    root = place.folder.parent
    return set_aside(root if place.latest is not None and (root / FILE).is_file() else place.folder)


def _refuse_what_is_no_bundle(place: Path) -> None:
    """EvidenceError for a file, and for a folder with files that no bundle put there."""
    if os.path.lexists(place) and not place.is_dir():
        raise EvidenceError("this is a file, evidence is a folder", where=place, fix="name another with --evidence")
    if place.is_dir() and any(place.iterdir()) and not (place / FILE).is_file():
        raise EvidenceError(
            f"this folder holds files but no {FILE}, and evidence takes the whole folder",
            where=place,
            fix="name an empty or new folder with --evidence",
        )
    if place.is_dir() and (unknown := unknown_files(place)):
        raise EvidenceError(
            f"{unknown[0]} is no file of the evidence, and evidence takes the whole folder",
            where=place,
            fix="move them, or name another folder with --evidence",
        )


def write_manifest(folder: Path) -> Path:
    """Write MANIFEST.sha256 over every other file, as sha256sum writes it, so that `sha256sum -c` checks it too."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (MANIFEST, SIGNATURE))
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    with atomic(folder / MANIFEST) as partial:
        partial.write_text("".join(lines), encoding="utf-8")
    return folder / MANIFEST


def write_acceptance(folder: Path, acceptance: Acceptance) -> Path:
    """Write `acceptance.json` into the evidence folder, whole or not at all."""
    path = folder / FILE
    with atomic(path) as partial:
        partial.write_text(json.dumps(records.plain(acceptance), indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def read_acceptance(folder: Path) -> Acceptance:
    """Read what write_acceptance wrote; RecordError or ValueError when it is something else."""
    return records.read(Acceptance, strict_json.parse((folder / FILE).read_bytes()))


def _ids_json(ids: Iterable[str]) -> bytes:
    return json.dumps(list(ids), separators=(",", ":"), ensure_ascii=False).encode()


def _ending(path: Path) -> Ending | None:
    return records.read(Ending, json.loads(path.read_bytes())) if path.is_file() else None


def _tool_files(path: Path) -> dict[str, str]:
    found: dict[str, str] = records.read_as("dict[str, str]", json.loads(path.read_bytes())) if path.is_file() else {}
    return found


def _plain(name: str) -> str:
    """A name that is one plain path component everywhere; others become dashes."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if not _PLAIN.fullmatch(plain):
        raise EvidenceError("a piece of evidence needs a plain name", measured=repr(name))
    return plain


def _natural(path: Path) -> tuple[bool, list[str | int]]:
    """The checkpoint before all that was made from it, then by name, numbers in names as numbers."""
    parts: list[str | int] = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.stem)]
    return path.stem not in REFERENCES, parts


def _alive(leftover: Path, *, ours: Path) -> bool:
    """Whether the run that made this goes on. A run with our own number was killed (a container counts from 1), but for
    others of this very process, which hold their folders."""
    pid = leftover.name.split(".")[-2]
    if pid.isdecimal() and int(pid) != os.getpid() and Path("/proc", pid).exists():
        return True
    with contextlib.suppress(OSError):
        return leftover != ours and held(leftover)
    return False
