"""How wide the simulated chip computes, by atc's precision modes."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from tools.ascend.simulator.atc_error import not_simulated

MATRIX = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchMatMul", "Einsum"})
"""Operators of the matrix unit, which takes fp16 and sums up in fp32."""


class Numerics(enum.Enum):
    """What is rounded to fp16 in a float32 model, as CANN's public description of the precision modes says.

    FP16: whatever goes into or out of an operator. The mixed modes count as this: which operators CANN's built-in lists
    would keep in float32 differs by chip and release. MATRIX_FP16: matrix operators compute fp16 to fp16, vector
    operators keep float32. MATRIX_IN: matrix operators take fp16 and give float32. FP32: nothing; operators that the AI
    core has in fp16 only fall back to float32 on the AI CPU.
    """

    FP16 = "fp16"
    MATRIX_FP16 = "matrix operators in fp16"
    MATRIX_IN = "inputs of matrix operators in fp16"
    FP32 = "float32"

    @classmethod
    def asked(cls, given: Mapping[str, str]) -> Numerics:
        """By --precision_mode or --precision_mode_v2, force_fp16 without either."""
        mode = given.get("precision_mode") or given.get("precision_mode_v2") or "force_fp16"
        if mode not in _BY_MODE:
            raise not_simulated(f"precision mode {mode}, which needs bfloat16 or hifloat8")
        return _BY_MODE[mode]

    def rounds_input(self, operator: str) -> bool:
        """Whether what goes into this operator is rounded."""
        matrix = self in (Numerics.MATRIX_FP16, Numerics.MATRIX_IN) and operator in MATRIX
        return self is Numerics.FP16 or matrix

    def rounds_output(self, operator: str) -> bool:
        """Whether what comes out of this operator is rounded."""
        return self is Numerics.FP16 or (self is Numerics.MATRIX_FP16 and operator in MATRIX)


_BY_MODE = {
    **dict.fromkeys(("force_fp16", "allow_mix_precision", "allow_mix_precision_fp16"), Numerics.FP16),
    **dict.fromkeys(("fp16", "mixed_float16"), Numerics.FP16),
    "allow_fp32_to_fp16": Numerics.MATRIX_FP16,
    **dict.fromkeys(("force_fp32", "cube_fp16in_fp32out"), Numerics.MATRIX_IN),
    **dict.fromkeys(("must_keep_origin_dtype", "origin"), Numerics.FP32),
}
