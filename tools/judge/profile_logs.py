"""Profiles from the rawest that a bundle holds: the profiler's own tables, read again by the parser of the run."""

from __future__ import annotations

from tools.judge.bundle import Bundle
from tools.judge.layout import FILE, LOGS
from tools.judge.logs import COLLECT, profile_logs
from tools.judge.op_profile import OperatorProfile, operator_profile
from tools.judge.texts.op_summary import TABLE, ProfileTextError


def check_profiles(bundle: Bundle) -> None:
    """Collect in `bundle.problems` what is wrong with any of them."""
    for place, profile in enumerate(bundle.record.profiles):
        _check_profile(bundle, f"{FILE}.profiles[{place}]", profile)


def _check_profile(bundle: Bundle, where: str, recorded: OperatorProfile) -> None:
    """What the tables of a batch size do not say as the record does."""
    names, machine, onnx = bundle.record.onnx_names, bundle.record.machine, bundle.record.onnx
    if names is None:
        bundle.problems.append(f"{FILE}.onnx_names is missing: {where} rests on it")
        return
    unknown = not names.nodes and any(not entry.is_onnx for entry in bundle.record.handed_in)
    if onnx is not None and not unknown and tuple(node.kind for node in names.nodes) != onnx.operators:
        bundle.problems.append(f"{FILE}.onnx_names: other operators than those of the ONNX file")
    if machine is not None and recorded.device not in machine.devices:
        bundle.problems.append(f"{where}.device: device {recorded.device} is none of the machine's")
    try:
        files = tables(bundle, recorded.batch)
        ours = operator_profile(files, names.nodes, batch=recorded.batch, device=recorded.device)
    except ProfileTextError as error:
        bundle.problems.append(f"{where}: {error}")
        return
    bundle.compare(where, recorded, ours)


def tables(bundle: Bundle, batch: int) -> dict[str, str]:
    """The kept tables of a batch size by name."""
    below = f"{LOGS}/{profile_logs(batch)}/{COLLECT}/"
    names = (name[len(below) :] for name in bundle.files.digests if name.startswith(below))
    return {name: bundle.files.read(below + name).decode("utf-8", "replace") for name in names if TABLE.fullmatch(name)}
