"""Where a run finds its inputs: option, variable, the guide's place, the sample; doubtful words are refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest

from selftest.messages.extract import english
from tools.ascend.benchmark import binary_name
from tools.base.errors import SpecError
from tools.base.files import ROOT
from tools.base.wide import width
from tools.pipeline.inputs import Inputs, require_named_inputs, resolve
from tools.pipeline.option_values import InputError
from tools.pipeline.options import VARIABLES, WITH_VALUE
from tools.pipeline.tool_folders import folders_tools_cannot_take, will_use_ais_bench
from tools.ports.spec import PUBLISHED_SPEC, SAMPLE_SPEC, load_spec

Named = Mapping[str, str]
NOTHING: Named = {}
GUIDE_CHECKPOINT = load_spec(PUBLISHED_SPEC).checkpoint.file


class Host:
    """A machine with places where inputs may lie."""

    def __init__(self, root: Path) -> None:
        self.root, self.here = root, root / "here"
        self.here.mkdir()

    def resolve(self, named: Named = NOTHING, *, env: Named = NOTHING, sample: bool = False, **options: str) -> Inputs:
        """Resolve these options and variables here."""
        return resolve({**named, **options}, env, sample=sample, here=self.here, filesystem=self.root)

    def refused(self, named: Named = NOTHING, *, env: Named = NOTHING, sample: bool = False, **options: str) -> str:
        """The words with which they are refused."""
        with pytest.raises(InputError) as caught:
            self.resolve({**named, **options}, env=env, sample=sample)
        return str(caught.value)

    def checkpoint(self, name: str) -> str:
        """A checkpoint file."""
        path = self.here / name
        path.touch()
        return str(path)

    def imagenet(self, name: str) -> str:
        """A folder with images and labels."""
        folder = self.root / name
        (folder / "val").mkdir(parents=True)
        (folder / "val_label.txt").touch()
        return str(folder)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """An empty machine."""
    return Host(tmp_path)


def test_without_anything_the_embedded_sample_is_taken_and_said(host: Host) -> None:
    inputs = host.resolve()
    assert (inputs.checkpoint, inputs.images, inputs.labels) == (None, None, None)
    assert inputs.sample
    assert (inputs.port, inputs.why_port) == (SAMPLE_SPEC, "the embedded sample's")
    assert inputs.why_checkpoint == f"no --checkpoint, no ACCEPTANCE_CHECKPOINT, no ./{GUIDE_CHECKPOINT}"
    assert inputs.why_data == f"no --imagenet, no --images, nothing at {host.root / 'opt/npu/imagenet'}"


def test_the_checkpoint_by_option_over_variable_over_the_guides_place(host: Host) -> None:
    guide = host.checkpoint(GUIDE_CHECKPOINT)
    option, variable = host.checkpoint("option.pth"), host.checkpoint("variable.pth")
    env = {"ACCEPTANCE_CHECKPOINT": variable}
    assert str(host.resolve(env=env, checkpoint=option).checkpoint) == option
    assert str(host.resolve(env=env).checkpoint) == variable
    found = host.resolve()
    assert (str(found.checkpoint), found.why_checkpoint) == (guide, "the guide's place")
    assert found.port == PUBLISHED_SPEC


def test_the_data_by_option_over_variable_over_the_guides_place(host: Host) -> None:
    guide, option, variable = map(host.imagenet, ("opt/npu/imagenet", "option", "variable"))
    env = {"ACCEPTANCE_IMAGENET": variable}
    assert host.resolve(env=env, imagenet=option).images == Path(option) / "val"
    assert host.resolve(env=env).labels == Path(variable) / "val_label.txt"
    found = host.resolve()
    assert (found.images, found.why_data) == (Path(guide) / "val", "the guide's place")


def test_images_and_labels_may_lie_apart(host: Host) -> None:
    folder = host.imagenet("data")
    inputs = host.resolve(images=f"{folder}/val", env={"ACCEPTANCE_LABELS": f"{folder}/val_label.txt"})
    assert (inputs.images, inputs.labels) == (Path(folder) / "val", Path(folder) / "val_label.txt")
    assert inputs.sample, "the checkpoint is still the sample's"
    assert not inputs.sample_data


def test_half_a_guides_place_is_none(host: Host) -> None:
    (host.root / "opt/npu/imagenet/val").mkdir(parents=True)
    assert host.resolve().images is None


def test_sample_wins_over_the_guides_places(host: Host) -> None:
    host.imagenet("opt/npu/imagenet")
    host.checkpoint(GUIDE_CHECKPOINT)
    inputs = host.resolve(sample=True)
    assert (inputs.checkpoint, inputs.images, inputs.port) == (None, None, SAMPLE_SPEC)
    assert (inputs.why_checkpoint, inputs.why_data) == ("--sample", "--sample")


def test_images_of_ones_own_do_not_make_the_sample_checkpoint_the_published_one(host: Host) -> None:
    assert host.resolve(imagenet=host.imagenet("data")).port == SAMPLE_SPEC


@pytest.mark.parametrize(
    ("name", "path"), [("alexnet", PUBLISHED_SPEC), ("alexnet_sample", SAMPLE_SPEC), (str(SAMPLE_SPEC), SAMPLE_SPEC)]
)
def test_a_port_is_named_by_its_name_or_its_file_and_the_option_wins_over_the_variable(
    host: Host, name: str, path: Path
) -> None:
    found = host.resolve(port=name, env={"ACCEPTANCE_PORT": "no-such-port"})
    assert (found.port, found.why_port) == (path, "as asked")
    assert host.resolve(env={"ACCEPTANCE_PORT": name}).port == path


def test_a_port_that_is_named_is_followed_whatever_the_checkpoint(host: Host) -> None:
    assert host.resolve(port="alexnet").port == PUBLISHED_SPEC
    assert host.resolve(port="alexnet_sample", checkpoint=host.checkpoint("own.pth")).port == SAMPLE_SPEC


def test_the_guides_place_is_that_of_the_ports_own_checkpoint(host: Host) -> None:
    host.checkpoint(GUIDE_CHECKPOINT)
    assert host.resolve(port="alexnet").why_checkpoint == "the guide's place"
    other = host.resolve(port="alexnet_sample")
    assert other.checkpoint is None
    assert other.why_checkpoint.endswith(", no ./alexnet-sample.pth")


def test_an_unknown_port_is_refused(host: Host) -> None:
    with pytest.raises(SpecError, match="there is no port of this name; found unlike; allowed one of those that "):
        host.resolve(port="unlike")


@pytest.mark.parametrize("name", ["checkpoint", "imagenet", "images", "labels"])
@pytest.mark.parametrize("by_variable", [False, True], ids=["option", "variable"])
def test_sample_and_an_input_of_ones_own_exclude_each_other(host: Host, name: str, by_variable: bool) -> None:
    given = {VARIABLES[name]: str(host.here)} if by_variable else {name: str(host.here)}
    message = host.refused(env=given, sample=True) if by_variable else host.refused(given, sample=True)
    assert f"--sample and --{name} (ACCEPTANCE_{name.upper()}) exclude each other" in message


@pytest.mark.parametrize("other", ["images", "labels"])
def test_a_folder_and_its_parts_exclude_each_other(host: Host, other: str) -> None:
    message = host.refused(imagenet=host.imagenet("data"), env={VARIABLES[other]: str(host.here)})
    assert "--imagenet (ACCEPTANCE_IMAGENET) names images and labels already" in message
    assert f"--{other} ({VARIABLES[other]})" in message


@pytest.mark.parametrize("alone", ["images", "labels"])
def test_images_without_labels_and_labels_without_images_are_refused(host: Host, alone: str) -> None:
    host.imagenet("opt/npu/imagenet")
    assert "go together" in host.refused({alone: str(host.here)})


@pytest.mark.parametrize("name", ["checkpoint", "imagenet", "port", "ais_bench_python"])
@pytest.mark.parametrize("by_variable", [False, True], ids=["option", "variable"])
def test_what_does_not_exist_is_named_with_its_option(host: Host, name: str, by_variable: bool) -> None:
    missing = str(host.root / "no such.yaml")
    message = host.refused(env={VARIABLES[name]: missing}) if by_variable else host.refused({name: missing})
    assert missing in message
    assert f"--{name.replace('_', '-')} ({VARIABLES[name]}) names something that does not exist" in message


@pytest.mark.parametrize("name", ["checkpoint", "imagenet", "port", "baseline", "reference", "onnx", "om"])
@pytest.mark.parametrize("path", [f"{'n' * 300}.yaml", "~nobody-of-this-name/one.yaml", "one\0two.yaml"])
def test_a_name_that_no_file_can_have_is_one_that_does_not_exist(host: Host, name: str, path: str) -> None:
    message = host.refused({name: path})
    assert f"--{name} ({VARIABLES[name]}) names something that does not exist" in message
    assert len(message) < 1000


def test_a_list_of_files_may_be_longer_than_any_name(host: Host) -> None:
    files = [str(host.here / f"a_model_with_a_name_of_its_own_bs{batch}.om") for batch in range(8)]
    relative = ",".join(Path(file).name for file in files)
    assert len(relative) > 255
    for file in files:
        Path(file).touch()
    assert host.resolve(om=",".join(files)).oms == tuple(map(Path, files))
    assert "names something that does not exist" in host.refused(om=relative)


@pytest.mark.parametrize("name", ["onnx", "om"])
@pytest.mark.parametrize("text", ["{},", ",{}", "{0},,{0}", ","])
def test_an_empty_name_in_a_list_is_not_the_folder_of_the_run(host: Host, name: str, text: str) -> None:
    message = host.refused({name: text.format(host.checkpoint(f"one.{name}"))})
    assert f"--{name} ({VARIABLES[name]}) is " in message
    assert "a name in it is empty" in message


def test_a_port_with_a_name_that_no_file_can_have_is_unknown(host: Host) -> None:
    with pytest.raises(SpecError, match="there is no port of this name"):
        host.resolve(port="n" * 300)


def test_each_of_images_and_labels_must_exist(host: Host) -> None:
    here, missing = str(host.here), str(host.root / "no such")
    assert "--images" in host.refused(images=missing, labels=here)
    assert "--labels" in host.refused(images=here, labels=missing)


@pytest.mark.parametrize("name", sorted(VARIABLES))
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_option_is_a_mistake_and_never_the_sample(host: Host, name: str, empty: str) -> None:
    assert f"--{name.replace('_', '-')} ({VARIABLES[name]}) is empty" in host.refused({name: empty})


@pytest.mark.parametrize("odd", [" ", "\t", "\u3000", "\udce4"])
def test_folders_that_the_vendors_tools_cannot_take_are_named_and_refused_on_a_device(host: Host, odd: str) -> None:
    plain, unfit = Path("/\u7f13\u5b58"), Path(f"/my{odd}folder")
    assert folders_tools_cannot_take(host.resolve(cache=str(plain)), plain, on_device=True) == []
    for cache, temporary, name in ((unfit, plain, "--cache (ACCEPTANCE_CACHE)"), (plain, unfit, "TMPDIR")):
        inputs = host.resolve(cache=str(cache))
        [words] = folders_tools_cannot_take(inputs, temporary, on_device=False)
        assert words.startswith(f"{name} is {str(unfit)!r}: the vendor's tools take no path with white space")
        with pytest.raises(InputError, match="Name another folder") as caught:
            folders_tools_cannot_take(inputs, temporary, on_device=True)
        assert words in str(caught.value)


@pytest.mark.parametrize("unfit", ["/\u7f13\u5b58/cache", "/my+cache", f"/{'n' * 256}"])
def test_a_path_that_ais_bench_refuses_is_named_where_ais_bench_is_run(host: Host, unfit: str) -> None:
    inputs, temporary = host.resolve(cache=unfit), host.root
    assert folders_tools_cannot_take(inputs, temporary, on_device=True) == []
    [words] = folders_tools_cannot_take(inputs, temporary, on_device=False, ais_bench=True)
    assert words.startswith(f"--cache (ACCEPTANCE_CACHE) is {unfit!r}: ais_bench takes paths of letters A to Z, digits")
    with pytest.raises(InputError, match="Name another folder"):
        folders_tools_cannot_take(inputs, temporary, on_device=True, ais_bench=True)


def test_a_folder_whose_files_stay_writable_by_the_group_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on file systems with one mode for all files; a folder that the group may write is none where files obey."""
    cache = host.root / "cache"
    cache.mkdir(mode=0o775)
    cache.chmod(0o775)
    inputs = host.resolve(cache=str(cache))
    assert folders_tools_cannot_take(inputs, host.root, on_device=True, ais_bench=True) == []
    monkeypatch.setattr("tools.pipeline.tool_folders.owner_writes_only", lambda path: path.chmod(0o664))
    with pytest.raises(InputError, match=r"ais_bench refuses the files in it: .* is writable by group or others"):
        folders_tools_cannot_take(inputs, host.root, on_device=True, ais_bench=True)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "on_device", "installed", "used"),
    [
        ("ais_bench", False, True, True),
        ("auto", True, False, True),
        ("auto", True, True, False),
        ("auto", False, False, False),
        ("benchmark", True, False, False),
    ],
)
def test_which_runs_use_ais_bench(host: Host, asked: str, on_device: bool, installed: bool, used: bool) -> None:
    if installed:
        (host.root / binary_name()).write_text("#!/bin/sh\n")
        (host.root / binary_name()).chmod(0o755)
    assert will_use_ais_bench(asked, {"PATH": str(host.root)}, on_device=on_device) is used


def test_an_empty_variable_is_none(host: Host) -> None:
    assert host.resolve(env=dict.fromkeys(VARIABLES.values(), "")) == host.resolve()


TOO_MANY_DIGITS = "9" * 5000
ARABIC_THREE = "\u0663"


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "many", "1e3", " 8", ARABIC_THREE, TOO_MANY_DIGITS])
def test_a_limit_is_a_whole_number_of_at_least_1(host: Host, limit: str) -> None:
    assert "--limit (ACCEPTANCE_LIMIT) is" in host.refused(limit=limit)
    assert "--limit (ACCEPTANCE_LIMIT) is" in host.refused(env={"ACCEPTANCE_LIMIT": limit})


def test_a_limit_makes_the_sample_less_than_whole(host: Host) -> None:
    inputs = host.resolve(limit="8")
    assert (inputs.limit, inputs.sample_data) == (8, True)


@pytest.mark.parametrize(
    "devices", ["a", "-1", "0,", "0 1", "0,0", "0,00", "256", "0x1", "1.0", ARABIC_THREE, f"0,{TOO_MANY_DIGITS}"]
)
def test_devices_are_different_numbers(host: Host, devices: str) -> None:
    assert "--device (ACCEPTANCE_DEVICE) is" in host.refused(device=devices)


@pytest.mark.parametrize("name", ["limit", "device"])
def test_a_number_of_thousands_of_digits_is_not_repeated_in_full(host: Host, name: str) -> None:
    assert len(host.refused({name: TOO_MANY_DIGITS})) < 200


def test_devices_in_the_order_given(host: Host) -> None:
    assert host.resolve().ascend.devices == (0,)
    assert host.resolve(device="3,0,255").ascend.devices == (3, 0, 255)


@pytest.mark.parametrize("name", ["target", "infer_tool", "busy_device"])
def test_an_unknown_word_is_refused_with_those_that_are_known(host: Host, name: str) -> None:
    message = host.refused({name: "perhaps"})
    assert f"--{name.replace('_', '-')} ({VARIABLES[name]}) is 'perhaps', it must be one of" in message


def test_a_busy_device_is_tolerated_only_when_asked(host: Host) -> None:
    assert not host.resolve().ascend.tolerate_busy
    assert not host.resolve(busy_device="refuse").ascend.tolerate_busy
    assert host.resolve(env={"ACCEPTANCE_BUSY_DEVICE": "inconclusive"}).ascend.tolerate_busy


def test_paths_are_absolute_and_a_tilde_is_the_home(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.yaml").write_bytes(SAMPLE_SPEC.read_bytes())
    assert host.resolve(port="own.yaml", cache="cache").cache == tmp_path / "cache"
    assert host.resolve(port="~/own.yaml").port == tmp_path / "own.yaml"


class Options:
    """In pytest's parser's place: the options that take a value."""

    def __init__(self) -> None:
        self.valued: set[str] = set()
        self.help: dict[str, str] = {}

    def getgroup(self, *words: str) -> Options:
        """All options are of one group."""
        return self

    def parse_known_and_unknown_args(self, words: list[str]) -> tuple[object, list[str]]:
        """Nothing was typed."""
        return self, words

    def addoption(self, name: str, **named: object) -> None:
        """Note an option."""
        self.help[name] = str(named["help"])
        if named.get("action") != "store_true":
            self.valued.add(name)


def options_of_conftest() -> Options:
    """What conftest.py tells pytest."""
    found = importlib.util.spec_from_file_location("root_conftest", ROOT / "conftest.py")
    assert found is not None
    assert found.loader is not None
    conftest = importlib.util.module_from_spec(found)
    found.loader.exec_module(conftest)
    options = Options()
    conftest.pytest_addoption(options, pytest.PytestPluginManager())
    return options


def test_help_of_the_options_is_in_the_language_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("ACCEPTANCE_LANG", "zh")
    lines = [line for text in options_of_conftest().help.values() for line in text.split("\n")]
    assert [line for line in lines if english(line.replace("<image file name>", "")) or width(line) > 54] == []
    assert "只用前 N 张图片；结论因此为 INCOMPLETE" in lines
    monkeypatch.setenv("ACCEPTANCE_LANG", "en")
    assert options_of_conftest().help["--limit"].startswith("use the first N images only;")


def test_every_option_of_pytest_has_its_variable_and_takes_a_separate_value() -> None:
    options = options_of_conftest()
    assert options.valued == WITH_VALUE
    assert {name.removeprefix("--").replace("-", "_") for name in options.valued - {"--diagnose"}} == set(VARIABLES)
    assert all(VARIABLES[name] == f"ACCEPTANCE_{name.upper()}" for name in VARIABLES)


def test_on_a_device_the_sample_is_never_taken_silently(host: Host) -> None:
    with pytest.raises(InputError, match=r"on Ascend the real inputs are needed: no --checkpoint.*; no --imagenet"):
        require_named_inputs(host.resolve(), on_device=True, sample=False)
    with pytest.raises(InputError, match="no --imagenet"):
        require_named_inputs(host.resolve(checkpoint=host.checkpoint("own.pth")), on_device=True, sample=False)
    with pytest.raises(InputError, match="no --checkpoint"):
        require_named_inputs(host.resolve(imagenet=host.imagenet("data")), on_device=True, sample=False)


def test_on_a_device_named_inputs_and_a_sample_asked_for_are_right(host: Host) -> None:
    named = host.resolve(checkpoint=host.checkpoint("own.pth"), imagenet=host.imagenet("data"))
    require_named_inputs(named, on_device=True, sample=False)
    require_named_inputs(host.resolve(sample=True), on_device=True, sample=True)
    require_named_inputs(host.resolve(), on_device=False, sample=False)
