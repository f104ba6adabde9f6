"""Does what a bundle says of files that were handed in fit everything else in it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.judge import ids
from tools.judge.files import short
from tools.judge.layout import FILE

if TYPE_CHECKING:
    from tools.judge.bundle import Bundle
    from tools.judge.handed_in import HandedIn


def check_handed_in(bundle: Bundle) -> None:
    """Collect in `bundle.problems` what contradicts the files that were handed in, or needs one."""
    record = bundle.record
    for place, entry in enumerate(record.handed_in):
        _file(bundle, f"{FILE}.handed_in[{place}]", entry)
    onnx = any(entry.is_onnx for entry in record.handed_in)
    weights, operators = record.onnx_weights, record.onnx_operators
    if weights is not None and weights.declared and not onnx:
        bundle.problems.append(f"{FILE}.onnx_weights.declared: no ONNX file was handed in, whose weights could differ")
    if bundle.spec.is_int8("onnx") and not onnx and "onnx" in bundle.digests:
        bundle.problems.append(f"{FILE}.handed_in: the suite's own export is no int8, by whose bounds it was judged")
    oms = [name for name in map(ids.om, bundle.spec.batches) if name in bundle.digests]
    own = [name for name in oms if bundle.handed_in(name) is None]
    if operators is not None and operators.for_atc != (own == oms) and oms:
        bundle.problems.append(f"{FILE}.onnx_operators.for_atc: does not fit which OMs were handed in")
    if bundle.spec.is_int8("om") and not bundle.spec.is_int8("onnx") and own:
        bundle.problems.append(
            f"{FILE}.handed_in: OMs of the suite's own are no int8, by whose bounds they were judged"
        )
    for files in ([name for name in _onnx_names(bundle) if name in bundle.digests], oms):
        made = [name for name in files if bundle.handed_in(name) is None]
        if made and made != files:
            bundle.problems.append(f"{FILE}.handed_in: {', '.join(made)} are the suite's, others were handed in")


def _onnx_names(bundle: Bundle) -> list[str]:
    """What the digests of ONNX files are called: `the` file, and in a static port those of the other batch sizes."""
    return ["onnx", *(f"onnx_bs{batch}" for batch in bundle.spec.onnx_batches if batch is not None)]


def _file(bundle: Bundle, where: str, entry: HandedIn) -> None:
    """It is one of those that the run rests on, by its digest, and so is the copy of it."""
    digest = bundle.digests.get(entry.name)
    wanted = {*_onnx_names(bundle), *map(str, map(ids.om, bundle.spec.batches))}
    if digest is None or entry.name not in wanted:
        bundle.problems.append(f"{where}.name: {short(entry.name)} is no file that this run rests on")
        return
    if entry.data and not entry.is_onnx:
        bundle.problems.append(f"{where}.data: an OM keeps all that it holds in itself")
    elif not entry.data and (entry.sha256, entry.size_bytes) != (digest.sha256, digest.size_bytes):
        bundle.problems.append(f"{where}: another file than {entry.name} of the digests")
    if entry.kept and bundle.files.digests.get(entry.kept) != digest.sha256:
        bundle.problems.append(f"{where}.kept: {short(entry.kept)} is not {entry.name} of the digests")
