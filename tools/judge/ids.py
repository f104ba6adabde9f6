"""Names with a structure: gates (`om.accuracy.top1_drop_pp[bs16]`) and model variants (`om_bs16`), as texts that know
their parts. What the suite calls a gate stands here once; tools/judge/gates.py says what each one asks."""

from __future__ import annotations

import re

from tools.base.errors import Stage

_BATCH = re.compile(r"(.*)\[bs([1-9][0-9]{0,8})\]")
_OM = re.compile(r"om_bs([1-9][0-9]{0,8})")


class GateId(str):
    """A gate's id, with the batch size where the gate has one."""

    __slots__ = ()

    @property
    def gate(self) -> GateId:
        """The id without its batch size."""
        found = _BATCH.fullmatch(self)
        return GateId(found[1]) if found else self

    @property
    def batch(self) -> int | None:
        """The batch size, None where the gate has none."""
        found = _BATCH.fullmatch(self)
        return int(found[2]) if found else None

    @property
    def stage(self) -> Stage:
        """The stage that decides the gate, which most ids begin with."""
        kind, *rest = self.gate.split(".")
        return Stage(rest[0] if rest[0] in (Stage.ACCURACY, Stage.PERF) else kind)

    @property
    def variant(self) -> Variant | None:
        """Whose predictions the gate is about, None for a gate of another stage."""
        kind, found, _ = self.partition(".accuracy.")
        if not found:
            return None
        return Variant(kind) if self.batch is None else om(self.batch)

    def at(self, batch: int | None) -> GateId:
        """The id of this gate at a batch size; itself for None."""
        return self if batch is None else GateId(f"{self.gate}[bs{batch}]")


class Variant(str):
    """One way of computing the outputs: `pth` (the checkpoint in torch), `onnx`, or `om_bs16`."""

    __slots__ = ()

    @property
    def batch(self) -> int | None:
        """The batch size of an OM, else None."""
        found = _OM.fullmatch(self)
        return int(found[1]) if found else None

    @property
    def kind(self) -> str:
        """`pth`, `onnx` or `om`: with what the ids of its gates begin."""
        return "om" if _OM.fullmatch(self) else str(self)

    @property
    def known(self) -> bool:
        """Whether the suite computes such outputs at all."""
        return self in (PTH, ONNX) or self.batch is not None

    def gate(self, question: str) -> GateId:
        """The gate that asks this of the variant's predictions, e.g. `ids` or `top1_drop_pp`."""
        return GateId(f"{self.kind}.accuracy.{question}").at(self.batch)


PTH, ONNX = Variant("pth"), Variant("onnx")


def om(batch: int) -> Variant:
    """The OM of a batch size."""
    return Variant(f"om_bs{batch}")


CHECKPOINT_MD5 = GateId("checkpoint.md5")
CHECKPOINT_SHA256 = GateId("checkpoint.sha256")
CHECKPOINT_LOADS = GateId("checkpoint.loads")
CHECKPOINT_KEYS = GateId("checkpoint.keys")
CHECKPOINT_SHAPES = GateId("checkpoint.shapes")
CHECKPOINT_FINITE = GateId("checkpoint.finite")
CHECKPOINT_CONTENT_SHA256 = GateId("checkpoint.content_sha256")
ONNX_EXPORT = GateId("onnx.export")
ONNX_CHECKER = GateId("onnx.checker")
ONNX_OPSET = GateId("onnx.opset")
ONNX_OPERATORS = GateId("onnx.operators")
ONNX_INPUT = GateId("onnx.input")
ONNX_OUTPUT = GateId("onnx.output")
ONNX_WEIGHTS = GateId("onnx.weights")
ONNX_LOGITS_ABS_ERROR = GateId("onnx.logits_abs_error")
ONNX_GRAPH_STEP_ABS_ERROR = GateId("onnx.graph_step_abs_error")
ONNX_BATCH_INVARIANCE_ABS_ERROR = GateId("onnx.batch_invariance_abs_error")
PREPROCESSING_LABELS = GateId("preprocessing.labels")
PREPROCESSING_IMAGES = GateId("preprocessing.images")
PREPROCESSING_IDS = GateId("preprocessing.ids")
PREPROCESSING_DATASET_COMPLETE = GateId("preprocessing.dataset_complete")
PREPROCESSING_BINS = GateId("preprocessing.bins")
PREPROCESSING_INFO = GateId("preprocessing.info")
PREPROCESSING_JPEG = GateId("preprocessing.jpeg")
PREPROCESSING_INFO_SIZE = GateId("preprocessing.info_size")
PREPROCESSING_BIN_SIZE = GateId("preprocessing.bin_size")
PREPROCESSING_FINITE = GateId("preprocessing.finite")
PREPROCESSING_VALUE_RANGE = GateId("preprocessing.value_range")
PREPROCESSING_TORCHVISION_PARITY = GateId("preprocessing.torchvision_parity")
PREPROCESSING_IMAGES_SHA256 = GateId("preprocessing.images_sha256")
PREPROCESSING_LABELS_SHA256 = GateId("preprocessing.labels_sha256")
PREPROCESSING_BYTE_EQUAL = GateId("preprocessing.byte_equal_percent")
OM_TOOLKIT = GateId("om.toolkit")
OM_DEVICE = GateId("om.device")
OM_AIPP = GateId("om.aipp")
OM_COMPILED = GateId("om.compiled")
OM_DESCRIBED = GateId("om.described")
OM_RAN = GateId("om.ran")
OM_BATCH_INVARIANCE_ABS_ERROR = GateId("om.batch_invariance_abs_error")
HOST_ONNX_TO_TORCH = GateId("host.perf.onnx_to_torch")
OM_PERF_READING = GateId("om.perf.reading")
OM_PERF_DEVICE_IDLE = GateId("om.perf.device_idle")
OM_PERF_OUTPUTS = GateId("om.perf.outputs_abs_error")
OM_PERF_FLOOR = GateId("om.perf.images_per_second_per_chip")
OM_PERF_PLAUSIBLE = GateId("om.perf.plausible")
OM_PERF_OPERATORS = GateId("om.perf.operators")
