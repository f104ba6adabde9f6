"""Gates that few ports ask: files for each batch size, several outputs, a graph step, a function that makes pixels,
digests other than md5, and names that differ by a wrapper's prefix. Each answers from its own fact alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from tools.judge.checks import none_of, not_judged, same, within
from tools.judge.facts import (
    CheckerFacts,
    CheckpointFacts,
    GraphStepFacts,
    LogitErrors,
    OnnxFacts,
    OtherType,
    ParityFacts,
    WeightFacts,
)
from tools.judge.gates import judge
from tools.judge.results import Check, Verdict
from tools.judge.spec import Spec
from tools.judge.stages.checkpoint import CONVERT, keys_in_words, shapes_in_words
from tools.ports.spec import PUBLISHED_SPEC, load_spec

SPEC = load_spec(PUBLISHED_SPEC)
NAMES = "guide, pth2onnx.py"


def answer(name: str, spec: Spec = SPEC, **facts: object) -> Check:
    """The gate's answer where nothing but these facts is known."""
    known: dict[str, Any] = {fact: lambda *_, value=value: value for fact, value in facts.items()}
    return judge(name, SimpleNamespace(spec=spec, **known))  # type: ignore[arg-type]


# --- The ONNX file -------------------------------------------------------------------------------------------------


def test_an_accepted_file_of_one_opset_passes() -> None:
    assert answer("onnx.checker", checker=CheckerFacts("accepted")).passed
    facts = OnnxFacts((f"ai.onnx {SPEC.onnx.opset.exactly:g}",), (), (), ("Conv", "Relu"))
    assert answer("onnx.opset", onnx=facts).passed
    assert answer("onnx.export", onnx=facts).measured == "2 nodes"


def test_a_static_port_asks_for_a_file_of_each_batch_size_in_order() -> None:
    spec = replace(SPEC, onnx=replace(SPEC.onnx, batch="static", outputs=("aux", "class")), batches=(1, 4))
    inputs = tuple(str(spec.input(size)) for size in (1, 4))
    outputs = ("aux float32 [1, 7]", str(spec.output(1)), "aux float32 [4, 9]", str(spec.output(4)))
    facts = OnnxFacts((), inputs, outputs, ())
    assert answer("onnx.input", spec, onnx=facts) == same(
        "; ".join(inputs), "; ".join(inputs), unit="input", source=NAMES
    )
    said = f"aux; {spec.output(1)}; aux; {spec.output(4)}"
    assert answer("onnx.output", spec, onnx=facts) == same(said, said, unit="output", source=NAMES)
    swapped = replace(facts, inputs=inputs[::-1], outputs=outputs[2:] + outputs[:2])
    assert not answer("onnx.input", spec, onnx=swapped).passed
    assert not answer("onnx.output", spec, onnx=swapped).passed


def test_of_outputs_that_are_not_judged_the_name_alone_counts() -> None:
    spec = replace(SPEC, onnx=replace(SPEC.onnx, outputs=("class", "aux")))
    facts = OnnxFacts((), (), (str(spec.output()), "aux anything [at, all]"), ())
    assert answer("onnx.output", spec, onnx=facts).passed
    other = replace(facts, outputs=(str(spec.output()), "auxiliary float32 [1]"))
    assert answer("onnx.output", spec, onnx=other).measured == f"{spec.output()}; auxiliary"


def test_what_became_of_the_weights_is_said_beside_the_answer() -> None:
    facts = WeightFacts((), 9, exact=4, recomputed=5, foreign=0, unused=("a", "b", "c"))
    said = "4 bit for bit, 5 recomputed in float64, 3 without use"
    assert answer("onnx.weights", weights=facts) == none_of((), among=9, unit="tensors", source=said)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_logits_are_held_against_the_bounds_of_their_type(dtype: Literal["float32", "float16"]) -> None:
    spec = replace(SPEC, onnx=replace(SPEC.onnx, input=replace(SPEC.onnx.input, dtype=dtype)))
    errors = LogitErrors(16, to_reference=0.5, between_batches=0.25)
    assert answer("onnx.logits_abs_error", spec, logit_errors=errors) == within(0.5, spec.logits_bound)
    batches = answer("onnx.batch_invariance_abs_error", spec, logit_errors=errors)
    assert batches == within(0.25, spec.onnx_batch_bound)
    step = answer("onnx.graph_step_abs_error", spec, graph_step=GraphStepFacts(16, largest=0.125))
    assert step == within(0.125, spec.logits_bound)


# --- Images, bins and lists ----------------------------------------------------------------------------------------


def test_pixels_of_the_ports_own_function_are_held_against_nothing() -> None:
    recipe = replace(
        SPEC.preprocessing, function="python:pixels.py:make", resize_px=None, interpolation=None, crop_px=(224, 224)
    )
    found = answer(
        "preprocessing.torchvision_parity", replace(SPEC, preprocessing=recipe), parity=ParityFacts((), (), "")
    )
    reason = "nothing but python:pixels.py:make says what pixels it should make"
    assert found == not_judged(reason, unit="bins differing", source=recipe.source)


@pytest.mark.parametrize(("foreign", "images", "asked"), [(0, 50000, True), (1, 50000, False), (0, 9, False)])
def test_images_are_pinned_where_they_are_the_ports_own_and_all(foreign: int, images: int, asked: bool) -> None:
    spec = replace(SPEC, dataset=replace(SPEC.dataset, content_sha256="a" * 64))
    data = SimpleNamespace(images_sha256="b" * 64, foreign_ids=foreign, images=images, gap="" if asked else "other")
    held = same("b" * 64, "a" * 64, unit="sha256", source=spec.dataset.source)
    found = answer("preprocessing.images_sha256", spec, dataset=data)
    other = replace(held, detail="names are the port's, the content is another one")
    assert found == other if asked else found.verdict is Verdict.NOT_RUN


# --- The checkpoint ------------------------------------------------------------------------------------------------

WHOLE = CheckpointFacts(3, 3, (), (), (), (), "c" * 64)


@pytest.mark.parametrize(
    ("stated", "asked"),
    [
        ({"sha256": "ab" * 32}, "ab" * 32),
        ({"sha256_prefix": "abababab"}, "abababab"),
        ({"sha256": "ab" * 32, "sha256_prefix": "abababab"}, "ab" * 32),
    ],
)
def test_as_many_digits_of_a_sha256_count_as_were_published(stated: dict[str, str], asked: str) -> None:
    spec = replace(SPEC, checkpoint=replace(SPEC.checkpoint, **stated))
    kept, source = {"unit": f"sha256, {len(asked)} digits"}, spec.checkpoint.source
    found = answer("checkpoint.sha256", spec, digest=SimpleNamespace(sha256="ab" * 32))
    assert found == same(asked, asked, source=source, **kept)
    other = answer("checkpoint.sha256", spec, digest=SimpleNamespace(sha256="ba" * 32))
    assert other == same(("ba" * 32)[: len(asked)], asked, source=source, **kept)


def test_the_digest_is_that_of_the_checkpoint() -> None:
    asked: list[str] = []

    def digest(name: str) -> Any:  # noqa: ANN401 - of a bundle
        asked.append(name)
        return SimpleNamespace(md5="m", sha256="s")

    evidence: Any = SimpleNamespace(spec=SPEC, digest=digest)
    assert judge("checkpoint.md5", evidence).measured == "m"
    assert judge("checkpoint.sha256", evidence).measured == "s"
    assert asked == ["checkpoint", "checkpoint"]


def test_arguments_that_the_weights_force_are_asked_for_before_any_name() -> None:
    facts = replace(WHOLE, missing=("a",), missing_arguments=("transform_input: true", "aux: false"))
    found = answer("checkpoint.keys", checkpoint=facts)
    source = "what torchvision itself gives the network for this file"
    asked = none_of(facts.missing_arguments, among=1, unit="arguments missing", source=source)
    assert found == replace(asked, detail="write under `arguments`: transform_input: true; aux: false")
    assert found.verdict is Verdict.FAIL


def test_names_that_fit_are_counted_and_of_a_network_without_tensors_none_was_looked_at() -> None:
    fine = none_of((), among=3, unit="tensors odd", source=SPEC.model.name)
    assert answer("checkpoint.keys", checkpoint=WHOLE) == fine
    empty = none_of((), among=0, unit="tensors odd", source=SPEC.model.name)
    assert answer("checkpoint.keys", checkpoint=replace(WHOLE, expected=0)) == empty


@pytest.mark.parametrize(
    ("missing", "unexpected", "tensors", "said"),
    [
        ((), (), 3, ""),
        ((), (), 0, ""),
        (("a",), (), 3, "1 missing: a"),
        ((), ("b",), 3, "1 unexpected: b"),
        (("a", "b", "c", "d"), ("e",), 9, "4 missing: a, b, c, … 1 more; 1 unexpected: e"),
        (
            ("a.w", "b.w"),
            ("module.a.w", "module.b.w"),
            2,
            "2 missing: a.w, b.w; 2 unexpected: module.a.w, module.b.w; all 2 names begin with `module.`: write "
            "`strip_prefix: module.` into the port",
        ),
        (  # one name of the network's under the prefix is enough
            ("a.w", "b.w"),
            ("module.a.w", "module.x.w"),
            2,
            "2 missing: a.w, b.w; 2 unexpected: module.a.w, module.x.w; all 2 names begin with `module.`: write "
            "`strip_prefix: module.` into the port",
        ),
        (("a.w",), ("module.a.w",), 2, "1 missing: a.w; 1 unexpected: module.a.w"),
        (("a.w",), ("module.x.w",), 1, "1 missing: a.w; 1 unexpected: module.x.w"),
        (("a.w",), ("m.a.w", "n.a.w"), 2, "1 missing: a.w; 2 unexpected: m.a.w, n.a.w"),
    ],
)
def test_names_that_differ_are_told_by_side_with_what_would_mend_them(
    missing: tuple[str, ...], unexpected: tuple[str, ...], tensors: int, said: str
) -> None:
    assert keys_in_words(missing, unexpected, tensors) == said


def test_a_wrappers_prefix_before_every_tensor_is_told_by_the_gate() -> None:
    facts = replace(WHOLE, tensors=1, missing=("a",), unexpected=("module.a",))
    assert answer("checkpoint.keys", checkpoint=facts).detail == keys_in_words(("a",), ("module.a",), 1)
    assert "strip_prefix: module." in keys_in_words(("a",), ("module.a",), 1)


@pytest.mark.parametrize(
    ("prefix", "advised"), [("p" * 59 + ".", True), ("p" * 60 + ".", False), ("p\x1b.", False), ("p q.", True)]
)
def test_a_prefix_is_advised_that_a_page_can_show(prefix: str, advised: bool) -> None:
    assert ("strip_prefix: " + prefix in keys_in_words(("a",), (f"{prefix}a",), 1)) is advised


HALVES = OtherType("float16", "float32", ("a", "b"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            HALVES,
            "2 tensors are float16, the network's are float32 (a, b): convert them once, "
            f"{CONVERT}, and state the new file's digest",
        ),
        (
            OtherType("bfloat16", "float32", ("a",)),
            "1 tensor is bfloat16, the network's are float32 (a): convert them once, "
            f"{CONVERT}, and state the new file's digest",
        ),
        (
            OtherType("uint8", "float32", ("a", "b", "c", "d")),
            "4 tensors are uint8, the network's are float32 (a, b, c, … 1 more): quantised weights, name the float32 "
            "checkpoint that they were made from",
        ),
        (
            OtherType("int8", "float32", ("a",)),
            "1 tensor is int8, the network's are float32 (a): quantised weights, name the float32 checkpoint that they "
            "were made from",
        ),
        (OtherType("float16", "int64", ("a",)), "1 tensor is float16, the network's are int64 (a)"),
        (OtherType("int32", "int64", ("a",)), "1 tensor is int32, the network's are int64 (a)"),
        (OtherType("float64", "float32", ("a",)), "1 tensor is float64, the network's are float32 (a)"),
    ],
)
def test_tensors_of_another_type_are_told_with_what_would_mend_them(kind: OtherType, said: str) -> None:
    assert shapes_in_words((), (kind,)) == said


def test_the_advice_to_convert_is_a_line_of_torch() -> None:
    assert CONVERT == "torch.save({name: tensor.float() for name, tensor in weights.items()}, 'float32.pth')"


def test_a_tensor_of_another_shape_and_type_counts_once() -> None:
    facts = replace(WHOLE, misshapen=("b: x: [1], not [2]", "c: [1], not [2]"), other_types=(HALVES,))
    found = answer("checkpoint.shapes", checkpoint=facts)
    asked = none_of(("a", "b", "b: x", "c"), among=3, unit="tensors misshapen", source=SPEC.model.name)
    words = "2 of another shape: b: x: [1], not [2], c: [1], not [2]; " + shapes_in_words((), (HALVES,))
    assert found == replace(asked, detail=words)
    fine = none_of((), among=3, unit="tensors misshapen", source=SPEC.model.name)
    assert answer("checkpoint.shapes", checkpoint=WHOLE) == fine
    empty = none_of((), among=0, unit="tensors misshapen", source=SPEC.model.name)
    assert answer("checkpoint.shapes", checkpoint=replace(WHOLE, expected=0)) == empty
