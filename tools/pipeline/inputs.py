"""Where a run finds port, checkpoint, images and labels: option, environment, the guide's places, else the sample."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.ascend.ais_bench import fits_path_policy, path_policy_problems
from tools.ascend.benchmark import find_binary
from tools.ascend.target import AUTO
from tools.base.errors import SuiteError
from tools.base.files import MADE_BELOW, owner_writes_only
from tools.base.variables import require_known
from tools.judge.basis import DeviceKind
from tools.judge.texts.reading import InferTool
from tools.pipeline.options import VARIABLES
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec, port_path

BUILD = MADE_BELOW / "build"
GUIDE_IMAGENET = Path("opt/npu/imagenet")
LARGEST_DEVICE = 255  # ais_bench takes 0 to 255
MOST_DIGITS = 18  # beyond it lies no count of images
LONGEST_SHOWN = 60
NEXT_STEPS = {
    "checkpoint": "`python tools/fetch_checkpoint.py --port NAME` downloads the one that a port names",
    "imagenet": "name the folder that holds val/ and val_label.txt",
}
"""What to do where the thing that an option names is not there."""


class InputError(SuiteError):
    """An option or environment variable that cannot be followed."""


@dataclass(frozen=True)
class Ascend:
    """What was asked of the NPU's side: words that tools/ascend/target.py understands, and the devices to use."""

    target: str
    infer_tool: str
    devices: tuple[int, ...]
    soc: str | None
    ais_bench_python: Path | None
    tolerate_busy: bool


@dataclass(frozen=True)
class Inputs:
    """What a run works on; None stands for the embedded sample. The `why_…` texts go into the header.

    `onnx` and `oms` are files that are judged in place of the suite's own, empty where it makes them. `evidence` is
    None for a folder of the run's own, `keep` is how many runs' folders stay there, None for all.
    """

    checkpoint: Path | None
    why_checkpoint: str
    images: Path | None
    labels: Path | None
    why_data: str
    port: Path
    why_port: str
    cache: Path
    evidence: Path | None
    baseline: Path | None
    limit: int | None
    ascend: Ascend
    keep: int | None = None
    reference: Path | None = None
    reference_device: DeviceKind = DeviceKind.CPU
    onnx: tuple[Path, ...] = ()
    oms: tuple[Path, ...] = ()

    @property
    def sample_data(self) -> bool:
        """True when the images and labels are the embedded sample's."""
        return self.images is None

    @property
    def sample(self) -> bool:
        """True when any part of the run is the embedded sample's."""
        return self.checkpoint is None or self.sample_data


def resolve(
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    *,
    sample: bool,
    here: Path,
    filesystem: Path = Path("/"),
) -> Inputs:
    """Decide every input; an option wins over its environment variable, that over the guide's place.

    `sample` forces the embedded sample, `here` is where the guide keeps the checkpoint, `filesystem` the root under
    which its other places are looked for. Where no port is named it follows the checkpoint: the sample's weights are
    never judged by the published AlexNet's numbers. InputError when a named thing does not exist or options contradict
    each other, SuiteError for a variable that the suite does not read.
    """
    require_known(environment)
    given = {name: _given(name, options, environment) for name in VARIABLES}
    own = [_option(name) for name in ("checkpoint", "imagenet", "images", "labels") if given[name]]
    if sample and own:
        raise InputError(f"--sample and {', '.join(own)} exclude each other", fix="drop one of them")
    named = _existing(str(port_path(given["port"])), "port") if given["port"] else None
    checkpoint, why_checkpoint = _checkpoint(given, here, named or PUBLISHED_SPEC, sample=sample)
    images, labels, why_data = _data(given, filesystem, sample=sample)
    default, why_port = (
        (SAMPLE_SPEC, "the embedded sample's") if checkpoint is None else (PUBLISHED_SPEC, "the default")
    )
    evidence = Path(os.path.realpath(given["evidence"])) if given["evidence"] else None  # a link stays one
    return Inputs(
        checkpoint=checkpoint,
        why_checkpoint=why_checkpoint,
        images=images,
        labels=labels,
        why_data=why_data,
        port=named or default,
        why_port="as asked" if named else why_port,
        cache=Path(given["cache"] or BUILD / "cache").absolute(),
        evidence=evidence,
        baseline=_bundle(given["baseline"], "baseline") if given["baseline"] else None,
        limit=_count(given, "limit"),
        ascend=_ascend(given),
        keep=_count(given, "keep"),
        reference=_reference(given, evidence),
        reference_device=DeviceKind(_one_of(given, "reference_device", tuple(map(str, DeviceKind)))),
        onnx=_handed_in(given["onnx"], "onnx"),
        oms=_handed_in(given["om"], "om"),
    )


def require_named_inputs(inputs: Inputs, *, on_device: bool, sample: bool) -> None:
    """On a machine that must have them, a missing checkpoint or data set is an error, never the embedded sample.

    InputError, unless the sample was asked for in so many words.
    """
    if on_device and not sample:
        missing = [inputs.why_checkpoint] if inputs.checkpoint is None else []
        missing += [inputs.why_data] if inputs.images is None else []
        if missing:
            raise InputError(
                f"on Ascend the real inputs are needed: {'; '.join(missing)}",
                fix="name them, or ask for the embedded sample with --sample (the verdict is then SAMPLE)",
            )


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
    named = {_option("cache"): inputs.cache, "TMPDIR": temporary.absolute()}
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


def _given(name: str, options: Mapping[str, str | None], environment: Mapping[str, str]) -> str | None:
    """The option, else its variable; an empty variable is none, an empty option (`--images="$UNSET"`) a mistake."""
    option = options.get(name)
    if option is not None and not option.strip():
        raise InputError(f"{_option(name)} is empty", fix="give it a value, or leave it out")
    return option or environment.get(VARIABLES[name]) or None


def _checkpoint(given: Mapping[str, str | None], here: Path, port: Path, *, sample: bool) -> tuple[Path | None, str]:
    if sample:
        return None, "--sample"
    if given["checkpoint"]:
        return _existing(given["checkpoint"], "checkpoint"), "as asked"
    file = load_spec(port).checkpoint.file
    if (here / file).is_file():
        return here / file, "the guide's place"
    return None, f"no --checkpoint, no {VARIABLES['checkpoint']}, no ./{file}"


def _data(given: Mapping[str, str | None], filesystem: Path, *, sample: bool) -> tuple[Path | None, Path | None, str]:
    if sample:
        return None, None, "--sample"
    if given["imagenet"] and (given["images"] or given["labels"]):
        raise InputError(
            f"{_option('imagenet')} names images and labels already",
            fix=f"drop it, or {_option('images')} and {_option('labels')}",
        )
    if bool(given["images"]) != bool(given["labels"]):
        raise InputError(f"{_option('images')} and {_option('labels')} go together", fix="name both, or --imagenet DIR")
    if given["images"] and given["labels"]:
        return _existing(given["images"], "images"), _existing(given["labels"], "labels"), "as asked"
    if given["imagenet"]:
        images, labels = f"{given['imagenet']}/val", f"{given['imagenet']}/val_label.txt"
        return _existing(images, "imagenet"), _existing(labels, "imagenet"), "as asked"
    folder = filesystem / GUIDE_IMAGENET
    if (folder / "val").is_dir() and (folder / "val_label.txt").is_file():
        return folder / "val", folder / "val_label.txt", "the guide's place"
    return None, None, f"no --imagenet, no --images, nothing at {folder}"


def _existing(path: str, option: str) -> Path:
    found = Path(_expanded(path))
    if not os.path.exists(found):  # noqa: PTH110 - a name too long for any file is one that does not exist
        raise InputError(
            f"{_option(option)} names something that does not exist", where=found, fix=NEXT_STEPS.get(option)
        )
    return found.absolute()


def _expanded(path: str) -> str:
    """With the home folder for `~`, as it is where that is nobody's."""
    return os.path.expanduser(path)  # noqa: PTH111 - pathlib's raises for a user who does not exist


def _bundle(path: str, option: str) -> Path:
    """The folder of another run, whatever links lead to it: `latest` leads to this run as soon as it begins."""
    return Path(os.path.realpath(_existing(path, option)))


def _reference(given: Mapping[str, str | None], evidence: Path | None) -> Path | None:
    """The bundle whose predictions are taken; the place of this run's own evidence is emptied, so it is none."""
    if not given["reference"]:
        return None
    if given["reference_device"]:
        raise InputError(
            f"{_option('reference')} and {_option('reference_device')} exclude each other",
            fix="drop one of them: predictions are taken or made",
        )
    found = _bundle(given["reference"], "reference")
    if found == evidence:
        raise InputError(
            f"{_option('reference')} is the folder in which this run's evidence is written",
            where=found,
            fix="name another folder with --evidence",
        )
    return found


def _handed_in(text: str | None, option: str) -> tuple[Path, ...]:
    """The files of a list `a,b`, or of a folder those with the option's suffix; a comma may stand in a name alone."""
    if not text:
        return ()
    words = [text] if os.path.exists(_expanded(text)) else text.split(",")  # noqa: PTH110 - as in _existing
    if not all(word.strip() for word in words):
        raise InputError(
            f"{_option(option)} is {_short(text)}, a name in it is empty", fix="write a,b without more commas"
        )
    named = [_existing(word, option) for word in words]
    files = [file for place in named for file in (_in_folder(place, option) if place.is_dir() else [place])]
    if twice := next((file for file in files if files.count(file) > 1), None):
        raise InputError(f"{_option(option)} names a file twice", where=twice)
    return tuple(files)


def _in_folder(folder: Path, option: str) -> list[Path]:
    found = sorted(folder.glob(f"*.{option}"))
    if not found:
        raise InputError(f"{_option(option)} names a folder without any .{option} file", where=folder)
    return found


def _ascend(given: Mapping[str, str | None]) -> Ascend:
    python = given["ais_bench_python"]
    return Ascend(
        target=_one_of(given, "target", ("auto", "ascend", "simulator")),
        infer_tool=_one_of(given, "infer_tool", ("auto", "benchmark", "ais_bench")),
        devices=device_numbers(given["device"] or "0", _option("device")),
        soc=given["soc"],
        ais_bench_python=_existing(python, "ais_bench_python") if python else None,
        tolerate_busy=_one_of(given, "busy_device", ("refuse", "inconclusive")) == "inconclusive",
    )


def _one_of(given: Mapping[str, str | None], name: str, words: tuple[str, ...]) -> str:
    """The option's word; the first of `words` where nothing was said."""
    word = given[name] or words[0]
    if word not in words:
        raise InputError(f"{_option(name)} is {word!r}, it must be one of {', '.join(words)}")
    return word


def device_numbers(text: str, option: str) -> tuple[int, ...]:
    """The devices of a list such as `0,1,2,3`; InputError, which names the option, for anything else."""
    numbers = [_number(word) for word in text.split(",")]
    devices = tuple(number for number in numbers if number is not None and number <= LARGEST_DEVICE)
    if len(set(devices)) < len(numbers):
        raise InputError(f"{option} is {_short(text)}, it must be different numbers such as 0 or 0,1,2,3")
    return devices


def _number(text: str) -> int | None:
    """A number in plain digits; None for anything else, and for more digits than any option needs."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def _short(text: str) -> str:
    """A value for a message that must stay one line to read."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}...")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')} ({VARIABLES[name]})"


def _count(given: Mapping[str, str | None], name: str) -> int | None:
    """The option's whole number of at least 1, None where nothing was said."""
    text = given[name]
    if text is None:
        return None
    count = _number(text)
    if count is None or count < 1:
        raise InputError(f"{_option(name)} is {_short(text)}, it must be a whole number of at least 1")
    return count
