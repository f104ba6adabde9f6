"""Folders in which the vendor's tools cannot work, by their paths or by the files that are made there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.ascend.ais_bench import fits_path_policy, path_policy_problems
from tools.ascend.benchmark import find_binary
from tools.ascend.target import AUTO
from tools.base.files import owner_writes_only
from tools.judge.texts.reading import InferTool
from tools.pipeline.inputs import Inputs
from tools.pipeline.option_values import InputError, option_name


def will_use_ais_bench(asked: str, environment: Mapping[str, str], *, on_device: bool) -> bool:
    """Whether a run will execute OMs with ais_bench, as the target decides it later: `asked` is --infer-tool, and with
    `auto` the benchmark tool goes first, which the simulator always has."""
    return asked == InferTool.AIS_BENCH or (asked == AUTO and on_device and find_binary(environment) is None)


def folders_tools_cannot_take(
    inputs: Inputs, temporary: Path, *, on_device: bool, ais_bench: bool = False
) -> list[str]:
    """The folders whose paths hold white space or bytes that are no text, in words; on a device they are an error.

    The vendor's tools split at the one, their .info files cannot hold the other; with `ais_bench` its own path policy
    holds too. `temporary` is where temporary files go. Off a device most gates do without both.
    """
    named = {option_name("cache"): inputs.cache, "TMPDIR": temporary.absolute()}
    found = [
        f"{name} is {str(place)!r}: the vendor's tools take no path with white space or what is no text"
        for name, place in named.items()
        if any(character.isspace() or "\ud800" <= character <= "\udfff" for character in str(place))
    ]
    if ais_bench and not found:
        found = [words for name, place in named.items() for words in _refused_by_ais_bench(name, place)]
    if found and on_device:
        raise InputError("; ".join(found), fix="name another folder")
    return found


def _refused_by_ais_bench(name: str, place: Path) -> Iterator[str]:
    if not fits_path_policy(place):
        yield (
            f"{name} is {str(place)!r}: ais_bench takes paths of letters A to Z, digits and _ / . - alone, of at most "
            "255 characters a name"
        )
    elif problem := _file_refused_by_ais_bench(place):
        yield f"{name} is {str(place)!r}: ais_bench refuses the files in it: {problem}"


def _file_refused_by_ais_bench(place: Path) -> str:
    """What is wrong with a file of ours that is private, where there is one to be made: some file systems give all
    files one mode or owner. Empty where nothing is."""
    folder = next((path for path in (place, *place.parents) if path.is_dir()), place)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="policy-") as made:
            owner_writes_only(Path(made.name))
            return "; ".join(path_policy_problems(Path(made.name)))
    except OSError:  # whoever writes there says so
        return ""
