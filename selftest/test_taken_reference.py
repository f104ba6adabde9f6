"""The checkpoint's predictions of one run, taken by another: the same verdict, and every mismatch refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selftest.ports.tiny import TinyPort, tiny_port
from selftest.test_tiny_ports import failed, options
from tools.base.errors import AccuracyError, SuiteError
from tools.engines import torch_engine
from tools.evidence.manifest import write_manifest
from tools.evidence.record_file import read_acceptance, write_acceptance
from tools.judge.acceptance import SCHEMA, Acceptance
from tools.judge.basis import PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE, MadeBy
from tools.judge.bundle import Bundle, open_files, read_bundle
from tools.judge.files import Files
from tools.judge.gates import Asked, expected
from tools.judge.ids import PTH
from tools.judge.layout import REFERENCE_LOGITS
from tools.judge.prediction_records import TakenReference
from tools.judge.results import GateResult, Verdict, Word
from tools.judge.verify import OK, REFUSED, Outcome, verify
from tools.pipeline import taken as taking
from tools.pipeline.option_values import InputError
from tools.pipeline.run import Run, open_run

ITS_OWN = ("pth.accuracy.ids", "pth.accuracy.finite", "pth.accuracy.above_chance")


def made(port: TinyPort, *, keep: bool = True, probe: bool = False, **more: str) -> Path:
    """The bundle of a run of the checkpoint's own predictions: what the machine with the GPU does."""
    named = {**options(port), **more}
    with open_run(named, keep_reference=keep) as run:
        judge(run, *([PTH_REFERENCE_PROBE] if probe else []), *ITS_OWN)
        run.publish()
    return Path(str(named["evidence"]))


def judge(run: Run, *names: str) -> dict[str, GateResult]:
    """The answers of some gates, which are all that the run's evidence then holds."""
    found = {answer.id: answer for name in names for answer in run.answers(name)}
    run._results = list(found.values())
    return {str(name): answer for name, answer in found.items()}


def offline(bundle: Path) -> Outcome:
    """What the offline judge says of a bundle."""
    return verify([("bundle", partial(open_files, bundle))], None)


def sealed_anew(bundle: Path) -> None:
    """What a forger does at the end."""
    (bundle / "MANIFEST.sha256").unlink()
    write_manifest(bundle)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> TinyPort:
    """The port in the folder of the machine that makes the reference."""
    return tiny_port(tmp_path_factory.mktemp("elsewhere") / "port")


@pytest.fixture(scope="module")
def kept(elsewhere: TinyPort) -> Path:
    """Its bundle; not to be changed."""
    return made(elsewhere)


@pytest.fixture
def forged(kept: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(kept, tmp_path / "forged"))


@pytest.fixture
def here(tmp_path: Path) -> TinyPort:
    """The same port in another folder, with another cache."""
    return tiny_port(tmp_path / "here" / "port")


def with_reference(port: TinyPort, bundle: Path) -> dict[str, str | None]:
    """The options of a run that takes it."""
    return {**options(port), "reference": str(bundle)}


def test_a_reference_made_in_one_folder_is_used_in_another_and_said(kept: Path, here: TinyPort) -> None:
    with open_run(with_reference(here, kept)) as run:
        run.judge_all()
        published = run.publish()
        assert "predictions-pth" not in "".join(run.context.log)
    bundle = Path(str(options(here)["evidence"]))
    record, source = read_acceptance(bundle), read_acceptance(kept)
    assert failed(record) == {}
    assert record.reference is not None
    taken = record.reference.taken
    assert taken is not None
    assert (taken.run, taken.host, taken.versions) == (source.run, source.host, source.versions)
    assert record.reference_probe is not None
    assert (len(record.reference_probe.ids), record.reference_probe.largest) == (32, 0.0)
    assert not (bundle / REFERENCE_LOGITS).exists()
    judged = offline(bundle)
    assert (judged.status, judged.word) == (OK, published.verdict.word) == (OK, Word.SIMULATED), judged.text
    (said,) = [line for line in published.verdict.remarks if line.startswith("reference predictions")]
    assert said.startswith(f"reference predictions of another run, {source.run}, made {source.finished_utc} on a host")
    assert "device cpu" in said
    assert said.endswith("32 of 64 were computed again here on the CPU: wrong ones of fewer than 7.8 % of the images "
                         "could pass unseen (95 %)")  # fmt: skip
    assert f"note: {said}" in judged.lines


def test_a_run_of_ones_own_has_neither_gate_nor_remark(kept: Path) -> None:
    record = read_acceptance(kept)
    assert record.reference is not None
    assert record.reference.made_by is MadeBy.CPU
    assert not [line for line in record.verdict.remarks if "reference" in line]


def test_jobs_of_one_run_rest_on_one_reference(kept: Path, here: TinyPort) -> None:
    with open_run(with_reference(here, kept)) as run:
        judge(run, PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE, *ITS_OWN)
        run.publish()
    jobs = [("own", kept), ("taken", Path(str(options(here)["evidence"])))]
    found = verify([(name, partial(open_files, bundle)) for name, bundle in jobs], None)
    assert found.status == REFUSED
    run_name = read_acceptance(kept).run
    assert f"reference differs: own this run, on the CPU, taken run {run_name}, " in found.text


def test_which_gates_exist_by_who_has_made_the_predictions(here: TinyPort) -> None:
    found = {
        who: {PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE} & set(expected(Asked(here.spec, on_device=False, reference=who)))
        for who in MadeBy
    }
    assert found == {
        MadeBy.CPU: set(),
        MadeBy.CUDA: {PTH_REFERENCE_PROBE},
        MadeBy.OTHER_RUN: {PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE},
    }


# --- What does not fit, which the gate says ------------------------------------------------------------------------


def other_weights(port: TinyPort) -> dict[str, str]:
    import torch

    from tools.base.files import md5_of, sha256_of

    before = sha256_of(port.checkpoint), md5_of(port.checkpoint)
    weights = torch.load(port.checkpoint, weights_only=True)
    weights["head.bias"] += 0.25
    torch.save(weights, port.checkpoint)
    for old, new in zip(before, (sha256_of(port.checkpoint), md5_of(port.checkpoint)), strict=True):
        port.edit(old, new)
    return {}


def other_image(port: TinyPort) -> dict[str, str]:
    one, two = sorted(port.images.iterdir())[:2]
    shutil.copyfile(two, one)
    return {}


def other_names(port: TinyPort) -> dict[str, str]:
    last = max(port.images.iterdir())
    last.rename(last.with_name("tiny_999.png"))
    port.labels.write_text(port.labels.read_text(encoding="utf-8").replace(last.name, "tiny_999.png"), encoding="utf-8")
    return {}


def other_recipe(port: TinyPort) -> dict[str, str]:
    port.edit("interpolation: bilinear", "interpolation: bicubic")
    return {}


def other_arguments(port: TinyPort) -> dict[str, str]:
    port.edit("{classes: 100}", "{classes: 100, scale: 1.5}")
    return {}


def other_code(port: TinyPort) -> dict[str, str]:
    source = port.port.parent / "tiny_net.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n# a line more\n", encoding="utf-8")
    return {}


def fewer_classes(port: TinyPort) -> dict[str, str]:
    port.edit("classes: 100, source", "classes: 99, source")
    port.edit("label_offset: 0", "label_offset: 1")
    port.edit("label_offset: 1", "label_offset: 0")
    port.edit("classes: 99, source", "classes: 101, source")
    return {}


MISFITS: dict[str, tuple[Callable[[TinyPort], Mapping[str, str]], str]] = {
    "another checkpoint": (other_weights, "checkpoint, sha256: "),
    "one image another": (other_image, "content of the images, sha256: "),
    "an image of another name": (other_names, "ids of the images, sha256: "),
    "another recipe": (other_recipe, "recipe, interpolation: bilinear in the reference, bicubic in this run"),
    "other arguments": (
        other_arguments,
        "network, arguments: [('classes', 100)] in the reference, [('classes', 100), ",
    ),
    "other code": (other_code, "network, code tiny_net.py: "),
    "more classes": (fewer_classes, "classes: 100 in the reference, 101 in this run"),
    "fewer images here": (lambda _: {"limit": "60"}, "images: 64 in the reference, 60 in this run"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_predictions_that_do_not_fit_are_refused_by_what_differs(name: str, kept: Path, here: TinyPort) -> None:
    change, said = MISFITS[name]
    more = change(here)
    with open_run({**with_reference(here, kept), **more}) as run:
        (answer,) = judge(run, PTH_REFERENCE_FITS).values()
        with pytest.raises(AccuracyError, match="the reference predictions are not of this run") as caught:
            run.top_five(PTH)
        published = run.publish()
    assert caught.value.gate == PTH_REFERENCE_FITS
    assert (answer.check.verdict, answer.check.measured) == (Verdict.FAIL, "1 of 7")
    assert answer.check.detail.startswith(said)
    assert " in the reference, " in answer.check.detail
    assert said in str(caught.value)
    assert published.verdict.word is Word.REJECTED
    judged = offline(Path(str(options(here)["evidence"])))
    assert judged.word is Word.REJECTED, judged.text


def test_a_reference_of_fewer_images_is_refused(elsewhere: TinyPort, here: TinyPort, tmp_path: Path) -> None:
    bundle = made(elsewhere, limit="60", evidence=str(tmp_path / "fewer"))
    with open_run(with_reference(here, bundle)) as run:
        (answer,) = judge(run, PTH_REFERENCE_FITS).values()
    assert answer.check.detail == "images: 60 in the reference, 64 in this run"


# --- Bundles that are no reference ---------------------------------------------------------------------------------


def refused(port: TinyPort, bundle: Path, **more: str) -> str:
    """The one line by which the run ends before it begins."""
    with pytest.raises(InputError) as caught, open_run({**with_reference(port, bundle), **more}):
        pass
    return str(caught.value)


def edit_logits(bundle: Path, change: Callable[[np.ndarray], None]) -> None:
    logits = np.load(bundle / REFERENCE_LOGITS)
    change(logits)
    np.save(bundle / REFERENCE_LOGITS, logits)


def all_higher(logits: np.ndarray) -> None:
    logits += 1


def test_a_bundle_that_was_tampered_with_is_refused(forged: Path, here: TinyPort) -> None:
    edit_logits(forged, all_higher)
    assert f"does not hold: the bundle: {REFERENCE_LOGITS} was changed after" in refused(here, forged)


def lower_one(logits: np.ndarray) -> None:
    logits[7, logits[7].argmax()] -= 50


def another_best(logits: np.ndarray) -> None:
    logits[63, logits[63].argmin()] = 1000


def not_a_number(logits: np.ndarray) -> None:
    logits[5, logits[5].argmin()] = np.nan


@pytest.mark.parametrize("change", [lower_one, another_best, not_a_number])
def test_forged_logits_contradict_the_predictions_beside_them(
    change: Callable[[np.ndarray], None], forged: Path, here: TinyPort
) -> None:
    edit_logits(forged, change)
    sealed_anew(forged)
    assert offline(forged).status == REFUSED
    assert f"{REFERENCE_LOGITS}: the best of image tiny_0" in refused(here, forged).replace("'", "")


def test_logits_of_fewer_rows_are_refused(forged: Path, here: TinyPort) -> None:
    np.save(forged / REFERENCE_LOGITS, np.load(forged / REFERENCE_LOGITS)[:60])
    sealed_anew(forged)
    assert "60 rows for 64 images" in refused(here, forged)


def test_logits_of_fewer_columns_are_refused(forged: Path, here: TinyPort) -> None:
    np.save(forged / REFERENCE_LOGITS, np.ascontiguousarray(np.load(forged / REFERENCE_LOGITS)[:, :60]))
    sealed_anew(forged)
    assert "allowed are <f4 of N rows and 100 columns" in refused(here, forged)


BASIS_LIES: dict[str, dict[str, Any]] = {
    "the checkpoint": {"checkpoint_sha256": "0" * 64},
    "the recipe": {"recipe": {}},
    "the network": {"network": {"model": "torchvision:alexnet"}},
    "the images": {"ids_sha256": "0" * 64},
    "the classes": {"classes": 7},
}


@pytest.mark.parametrize("what", BASIS_LIES)
def test_a_basis_that_the_bundles_own_record_contradicts_is_refused(what: str, forged: Path, here: TinyPort) -> None:
    record = read_acceptance(forged)
    assert record.reference_basis is not None
    write_acceptance(forged, replace(record, reference_basis=replace(record.reference_basis, **BASIS_LIES[what])))
    sealed_anew(forged)
    assert "does not hold: the bundle: acceptance.json.reference_basis." in refused(here, forged)


def test_a_bundle_of_an_older_schema_is_refused(forged: Path, here: TinyPort) -> None:
    write_acceptance(forged, replace(read_acceptance(forged), schema=SCHEMA - 1))
    sealed_anew(forged)
    assert f"acceptance.json: schema {SCHEMA - 1}, this judge reads schema {SCHEMA}" in refused(here, forged)


def test_a_bundle_without_the_logits_is_refused(elsewhere: TinyPort, here: TinyPort, tmp_path: Path) -> None:
    bundle = made(elsewhere, keep=False, evidence=str(tmp_path / "no logits"))
    said = refused(here, bundle)
    assert "it does not keep every logit of the checkpoint. Make it again with --keep-reference" in said


def test_a_folder_that_is_no_bundle_is_refused(here: TinyPort, tmp_path: Path) -> None:
    assert "does not hold: the bundle: MANIFEST.sha256 is missing" in refused(here, tmp_path)


def rewritten(bundle: Path, **changes: object) -> None:
    """The record with other values, sealed anew."""
    record: Acceptance = replace(read_acceptance(bundle), **changes)  # type: ignore[arg-type]
    write_acceptance(bundle, record)
    sealed_anew(bundle)


def test_a_reference_of_the_sample_is_refused_by_a_run_that_is_not(
    kept: Path, here: TinyPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_sample(name: str, files: Files) -> Bundle:
        bundle = read_bundle(name, files)
        bundle.record = replace(bundle.record, verdict=replace(bundle.record.verdict, sample=True))
        return bundle

    monkeypatch.setattr(taking, "read_bundle", of_sample)
    assert "its reference is of the embedded sample" in refused(here, kept)


def test_a_reference_that_was_itself_taken_is_refused(kept: Path, here: TinyPort, tmp_path: Path) -> None:
    with open_run(with_reference(here, kept)) as run:
        judge(run, PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE, *ITS_OWN)
        run.publish()
    again = tiny_port(tmp_path / "again" / "port")
    run_name = read_acceptance(kept).run
    said = refused(again, Path(str(options(here)["evidence"])))
    assert f"its own predictions of the checkpoint were taken from run {run_name}. Name the bundle of that run" in said


def test_a_reference_whose_own_run_failed_is_refused(tmp_path: Path, here: TinyPort) -> None:
    port = tiny_port(tmp_path / "bad" / "port")
    names, labels = zip(*(line.split() for line in port.labels.read_text("utf-8").splitlines()), strict=True)
    shifted = [(int(label) + 1) % 100 for label in labels]
    lines = [f"{name} {label}\n" for name, label in zip(names, shifted, strict=True)]
    port.labels.write_text("".join(lines), encoding="utf-8")
    assert "its own run failed pth.accuracy.above_chance" in refused(here, made(port))


def test_options_that_contradict_each_other(kept: Path, here: TinyPort) -> None:
    assert "exclude each other" in refused(here, kept, reference_device="cpu")
    assert "this run's evidence is written" in refused(here, kept, evidence=str(kept))
    with pytest.raises(InputError, match="--keep-reference and --reference exclude each other"):
        open_run(with_reference(here, kept), keep_reference=True).__enter__()


def test_a_bundle_that_changes_after_it_was_verified_is_not_taken(forged: Path, here: TinyPort) -> None:
    with open_run(with_reference(here, forged)) as run:
        edit_logits(forged, all_higher)
        with pytest.raises(AccuracyError, match="the reference was changed since the run began"):
            run.top_five(PTH)


# --- The probe -----------------------------------------------------------------------------------------------------


def test_predictions_of_another_network_behind_the_right_digests_fail_the_probe(
    tmp_path: Path, here: TinyPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle that holds in itself and says the right digests: only computing again tells."""
    port = tiny_port(tmp_path / "liar" / "port")
    right = torch_engine.TorchEngine.logits
    monkeypatch.setattr(torch_engine.TorchEngine, "logits", lambda engine, images: right(engine, images) * 1.01)
    bundle = made(port)
    monkeypatch.undo()
    with open_run(with_reference(here, bundle)) as run:
        found = judge(run, PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE)
        run.publish()
    assert found[PTH_REFERENCE_FITS].check.passed
    assert found[PTH_REFERENCE_PROBE].check.verdict is Verdict.FAIL
    assert offline(Path(str(options(here)["evidence"]))).word is Word.REJECTED


def test_no_bundle_can_be_made_whose_wrong_images_no_run_looks_at(kept: Path, here: TinyPort) -> None:
    """The images follow from the run that takes it as well: whoever makes a bundle can try out its own digest alone."""
    looked_at = set()
    for _ in range(2):
        with open_run(with_reference(here, kept)) as run:
            judge(run, PTH_REFERENCE_PROBE)
            run.publish()
        bundle = Path(str(options(here)["evidence"]))
        probe = read_acceptance(bundle).reference_probe
        assert probe is not None
        looked_at.add(probe.ids)
        assert offline(bundle).word is Word.INCOMPLETE
    assert len(looked_at) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"largest": 0.0001}, "gate pth.accuracy.reference_probe_abs_error: measured"),
        ({"ids": ("tiny_001",), "image": "tiny_001"}, "the 1 images that were computed again are not those"),
        ({"image": "tiny_999"}, "is no largest error"),
    ],
)
def test_a_forged_probe_is_refused(change: dict[str, object], said: str, kept: Path, here: TinyPort) -> None:
    with open_run(with_reference(here, kept)) as run:
        judge(run, PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE, *ITS_OWN)
        run.publish()
    bundle = Path(str(options(here)["evidence"]))
    record = read_acceptance(bundle)
    assert record.reference_probe is not None
    rewritten(bundle, reference_probe=replace(record.reference_probe, **change))  # type: ignore[arg-type]
    assert said in offline(bundle).text


def test_a_forged_word_on_what_was_taken_is_refused(kept: Path, here: TinyPort) -> None:
    with open_run(with_reference(here, kept)) as run:
        judge(run, PTH_REFERENCE_FITS)
        run.publish()
    bundle = Path(str(options(here)["evidence"]))
    record = read_acceptance(bundle)
    assert record.reference is not None
    taken = record.reference.taken
    assert taken is not None
    lies: TakenReference = replace(taken, basis=replace(taken.basis, checkpoint_sha256="0" * 64))
    rewritten(bundle, reference=replace(record.reference, taken=lies))
    assert "gate pth.accuracy.reference_fits: " in offline(bundle).text


# --- A GPU, which a stand-in of these tests plays ------------------------------------------------------------------


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What torch says where it has a GPU; the kernels are the CPU's."""
    import torch

    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Stand-in")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 90501)
    monkeypatch.setattr(torch_engine, "CUDA", "cpu")


def test_a_reference_of_a_gpu_is_compared_with_the_cpu_and_named(gpu: None, tmp_path: Path, here: TinyPort) -> None:
    bundle = made(tiny_port(tmp_path / "gpu" / "port"), probe=True, reference_device="cuda")
    record = read_acceptance(bundle)
    assert record.reference is not None
    assert record.reference.made_by is MadeBy.CUDA
    assert str(record.reference.device) == f"device cuda Stand-in (torch {record.reference.device.torch}, CUDA 12.6)"
    settings = ("float32", "TF32 off", "cudnn deterministic", "cudnn benchmark off", "cudnn 90501")
    assert record.reference.device.settings == settings
    (said,) = [line for line in record.verdict.remarks if line.startswith("reference predictions")]
    assert said.startswith("reference predictions of this run, on a GPU, device cuda Stand-in (torch ")
    assert "32 of 64 were computed again here on the CPU" in said
    assert f"note: {said}" in offline(bundle).lines
    with open_run(with_reference(here, bundle)) as run:
        found = judge(run, PTH_REFERENCE_FITS, PTH_REFERENCE_PROBE, *ITS_OWN)
        remarks = run.publish().verdict.remarks
    assert all(answer.check.passed for answer in found.values())
    assert any("device cuda Stand-in" in line for line in remarks)


def test_a_gpu_that_rounds_to_tf32_fails_the_probe_where_it_is_made(
    gpu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = torch_engine.CudaEngine.logits

    def rounded(engine: torch_engine.CudaEngine, images: np.ndarray) -> np.ndarray:
        return right(engine, (images.view(np.int32) & ~0x1FFF).view(np.float32))

    monkeypatch.setattr(torch_engine.CudaEngine, "logits", rounded)
    port = tiny_port(tmp_path / "gpu" / "port")
    with open_run({**options(port), "reference_device": "cuda"}) as run:
        found = judge(run, PTH_REFERENCE_PROBE)
    assert found[PTH_REFERENCE_PROBE].check.verdict is Verdict.FAIL


def test_predictions_of_a_gpu_and_of_a_cpu_are_kept_apart(gpu: None, here: TinyPort) -> None:
    for kind in ("cpu", "cuda", "cuda"):
        with open_run({**options(here), "reference_device": kind}) as run:
            run.top_five(PTH)
            lines = [line.split() for line in run.context.log if "predictions-pth" in line]
        last = lines
    assert [line[0] for line in last] == ["hit"]
    assert len(list((here.port.parent.parent / "cache" / "predictions-pth").iterdir())) == 2


def test_float32_is_exact_on_a_gpu_and_the_settings_of_the_process_are_left_as_they_were(gpu: None) -> None:
    import torch

    seen: list[object] = []

    class Looks(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            cudnn = torch.backends.cudnn
            seen.extend((torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark))
            return images.flatten(1)

    torch.set_float32_matmul_precision("high")
    try:
        torch_engine.CudaEngine(Looks()).logits(np.ones((2, 3, 4, 4), np.float32))
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == ["highest", False, True, False]


def test_a_gpu_that_fails_is_one_clear_error(gpu: None) -> None:
    import torch

    class Full(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(AccuracyError, match="the GPU failed: CUDA out of memory"):
        torch_engine.CudaEngine(Full()).logits(np.ones((2, 3, 4, 4), np.float32))


def test_cuda_asked_and_absent_is_one_clear_error(here: TinyPort, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    named = {**options(here), "reference_device": "cuda"}
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(
        SuiteError, match=r"--reference-device is cuda, but torch .* is built without CUDA\. Leave it out"
    ):
        open_run(named).__enter__()
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SuiteError, match="finds no CUDA device"):
        open_run(named).__enter__()
    with pytest.raises(SuiteError, match="it must be one of cpu, cuda"):
        open_run({**named, "reference_device": "gpu"}).__enter__()
