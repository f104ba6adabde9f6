"""What a gate answers from its own fact alone, without a run: what few ports ask (files for each batch size, several
outputs, a graph step, a function that makes pixels, digests other than md5, names under a wrapper's prefix, JPEG files,
what was handed in), and every gate of accuracy."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from tools.judge.agreement import CHECKS, summarise
from tools.judge.aipp import KEYS, aipp_differences, aipp_text, file_name
from tools.judge.chance import above_chance
from tools.judge.checks import conserved, made, none_of, not_judged, not_run, pinned, same, within
from tools.judge.description import description_mismatches
from tools.judge.facts import (
    AippFacts,
    CheckerFacts,
    CheckpointFacts,
    GraphStepFacts,
    JpegFacts,
    LogitErrors,
    OmDescription,
    OmInput,
    OnnxFacts,
    OtherType,
    ParityFacts,
    StoredOm,
    WeightFacts,
)
from tools.judge.gates import judge
from tools.judge.handover import Handover, handover
from tools.judge.ids import ONNX, PTH, Variant, om
from tools.judge.image_records import DatasetRecord
from tools.judge.op_profile import OperatorProfile, profile_check
from tools.judge.operators import OperatorFacts, UnregisteredNode
from tools.judge.predictions import top_five
from tools.judge.published import published_accuracy
from tools.judge.reference import of_reference, shortfall
from tools.judge.remarks import OWN_PREDICTIONS
from tools.judge.results import Check, Verdict
from tools.judge.spec import Spec
from tools.judge.spec_data import AippInput
from tools.judge.spec_onnx import DeclaredWeights
from tools.judge.stages.checkpoint import CONVERT, keys_in_words, shapes_in_words
from tools.judge.systematic import Estimate, Systematic
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


def test_arguments_with_which_the_weights_give_other_logits_are_told() -> None:
    facts = replace(WHOLE, missing=("a",), foreign_arguments=("aux_logits: true", "norm: b"))
    source = "what torchvision itself gives the network for this file"
    held = none_of(facts.foreign_arguments, among=1, unit="arguments foreign", source=source)
    said = "with these the library's own weights give other logits: aux_logits: true; norm: b"
    assert answer("checkpoint.keys", checkpoint=facts) == replace(held, detail=said)
    assert held.verdict is Verdict.FAIL


# --- Operators and weights of the ONNX file ------------------------------------------------------------------------

ELSEWHERE = UnregisteredNode("/a", "ai.onnx::11::Einsum", (12, 13, 14, 18), standard=True)
UNKNOWN = UnregisteredNode("/b", "ai.onnx::11::Nothing", (), standard=True)
OWN = UnregisteredNode("/c", "mine::1::Thing", (), standard=False)
PARSED = OperatorFacts("8.1", "a table", 9, (), (11,))


@pytest.mark.parametrize(
    ("nodes", "fitting", "would_do"),
    [
        ((), (11,), ""),
        ((ELSEWHERE, OWN), (12, 13, 14, 18), "; opset that would do: 12 to 14, 18"),
        ((UNKNOWN,), (), "; opset that would do: none"),
    ],
)
def test_nodes_that_atc_refuses_are_told_with_the_opset_that_would_do(
    nodes: tuple[UnregisteredNode, ...], fitting: tuple[int, ...], would_do: str
) -> None:
    found = answer("onnx.operators", operators=replace(PARSED, unregistered=nodes, fitting_opsets=fitting))
    refused = tuple(str(node) for node in nodes if node is not OWN)
    assert found == none_of(refused, among=9, unit="nodes", source=f"a table{would_do}")


def test_where_only_atc_can_tell_nothing_is_judged() -> None:
    facts = replace(PARSED, unregistered=(OWN,))
    assert answer("onnx.operators", operators=facts) == not_judged(facts.doubt, unit="nodes", source="a table")


WEIGHTS = WeightFacts((), 9, exact=4, recomputed=5, foreign=0, unused=("a",))
NONE_OF_THEM = "none of the checkpoint's tensors is in the file, which is of another network or checkpoint"
NO_MATCH = replace(WEIGHTS, exact=0, recomputed=0)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (replace(WEIGHTS, exact=3, offenders=("x",)), ("x",)),
        (replace(WEIGHTS, exact=0, offenders=("x",)), ("x",)),
        (replace(WEIGHTS, recomputed=0, offenders=("x",)), ("x",)),
        (replace(NO_MATCH, offenders=("x", "y")), (NONE_OF_THEM, "x", "y")),
        (NO_MATCH, ()),
    ],
)
def test_of_a_file_that_holds_none_of_the_tensors_it_is_said_first(facts: WeightFacts, found: tuple[str, ...]) -> None:
    said = f"{facts.exact} bit for bit, {facts.recomputed} recomputed in float64, 1 without use"
    assert answer("onnx.weights", weights=facts) == none_of(found, among=9, unit="tensors", source=said)


def test_weights_that_the_record_calls_declared_are_those_that_the_port_declares() -> None:
    facts = replace(WEIGHTS, exact=2, declared=("conv.weight", "fc.bias"))
    said = "2 bit for bit, 5 recomputed in float64, 1 without use, 2 declared as others"
    undeclared = tuple(f"{name} differs, which the port does not declare" for name in facts.declared)
    assert answer("onnx.weights", weights=facts) == none_of(undeclared, among=9, unit="tensors", source=said)
    for names, left in ((("conv.weight",), undeclared[1:]), (("conv.weight", "fc.*"), ())):
        declared = DeclaredWeights(names, "quantised")
        spec = replace(SPEC, onnx=replace(SPEC.onnx, handed_in=declared))
        assert answer("onnx.weights", spec, weights=facts) == none_of(left, among=9, unit="tensors", source=said)


# --- JPEG files, pinned labels, copies -----------------------------------------------------------------------------

JPEGS = JpegFacts(9, ("a (CMYK)", "b (12 bits)"), ("c", "d", "e"), ("f",))
JPEGD = "CANN, JPEGD: functions and restrictions (Huffman coding, not progressive, YUV of 8 bits, 32..8192 px)"


def test_jpeg_files_are_what_the_decoder_takes_and_of_the_listed_size() -> None:
    unfit = none_of(JPEGS.unfit, among=9, unit="images unfit", source=JPEGD)
    assert answer("preprocessing.jpeg", jpegs=JPEGS) == unfit
    source = "the tool decodes into a buffer of the size in the list"
    wrong = none_of(JPEGS.wrong_size, among=9, unit="images listed wrong", source=source)
    assert answer("preprocessing.info_size", jpegs=JPEGS) == wrong


def test_where_the_chip_decodes_the_checkpoints_pictures_are_held_against_the_library() -> None:
    recipe = replace(SPEC.preprocessing, resize_px=(256, 256), aipp=AippInput("chip", None, "jpeg"))
    facts = ParityFacts(("a", "b", "c"), ("b",), "torchvision")
    unit = "of the checkpoint's pictures differing"
    found = answer("preprocessing.torchvision_parity", replace(SPEC, preprocessing=recipe), parity=facts)
    assert found == none_of(("b",), among=3, unit=unit, source=recipe.source)


@pytest.mark.parametrize(("digest", "foreign"), [("a" * 64, 0), ("b" * 64, 0), ("b" * 64, 1)])
def test_labels_are_pinned_by_themselves(digest: str, foreign: int) -> None:
    spec = replace(SPEC, dataset=replace(SPEC.dataset, labels_sha256="a" * 64, content_sha256="c" * 64))
    data = SimpleNamespace(labels_sha256=digest, images_sha256="d" * 64, foreign_ids=foreign, images=50000)
    gap = "these are other images than the pinned ones, or a part of them" if foreign else ""
    held = pinned(digest, "a" * 64, gap=gap, source=spec.dataset.source)
    assert answer("preprocessing.labels_sha256", spec, dataset=data) == held


def test_copies_are_named_three_groups_of_three() -> None:
    groups = (("a", "b", "c", "d"), ("e", "f"), ("g", "h"), ("i", "j"))
    data = SimpleNamespace(images=100, byte_equal=groups)
    said = "byte for byte the same: a and b and c, e and f, g and h, … 1 more"
    bound = SPEC.preprocessing.byte_equal_percent
    assert answer("preprocessing.byte_equal_percent", dataset=data) == within(6.0, bound, detail=said)
    assert not answer("preprocessing.byte_equal_percent", dataset=data).passed


# --- Offline models ------------------------------------------------------------------------------------------------


def test_the_aipp_file_is_held_against_the_recipe() -> None:
    recipe = replace(SPEC.preprocessing, aipp=AippInput("host"))
    spec, text = replace(SPEC, preprocessing=recipe), aipp_text(recipe)
    fine = none_of((), among=len(KEYS), unit="keys differing", source=recipe.source)
    assert answer("om.aipp", spec, aipp=AippFacts(text)) == fine
    other = aipp_text(replace(recipe, mean=(0.5, 0.456, 0.406)))
    found = aipp_differences(other, recipe)
    assert found
    held = none_of(found, among=len(KEYS), unit="keys differing", source=recipe.source)
    assert answer("om.aipp", spec, aipp=AippFacts(other)) == held


def test_an_om_that_was_handed_in_is_told_by_its_own_name() -> None:
    asked: list[str] = []

    def of(value: object) -> Any:  # noqa: ANN401 - any answer
        def answered(name: str) -> object:
            asked.append(name)
            return value

        return answered

    evidence: Any = SimpleNamespace(
        digest=of(SimpleNamespace(path="<cache>/a.om")), handed_in=of(SimpleNamespace(file="mine.om"))
    )
    assert judge("om.compiled[bs4]", evidence) == made("mine.om, handed in")
    assert asked == ["om_bs4", "om_bs4"]


def test_an_om_holds_the_flags_that_were_asked_for() -> None:
    recipe = replace(SPEC.preprocessing, aipp=AippInput("host"))
    extra = replace(SPEC.om, atc_extra_args=("--fusion_switch_file=a.cfg",))
    spec = replace(SPEC, preprocessing=recipe, om=extra)
    (picture,) = spec.om_inputs(4)
    inputs = (OmInput(picture.name, "DT_UINT8", picture.shape),)
    stored = StoredOm("Ascend310", inputs, ("--soc_version=Ascend310",), "")
    seen: list[object] = []

    def handed_in(name: str) -> object:
        seen.append(name)
        return None

    def found(described: OmDescription, handed: Any = handed_in) -> Check:  # noqa: ANN401 - a function
        evidence: Any = SimpleNamespace(
            spec=spec,
            described=lambda batch: described if batch == 4 else None,
            machine=lambda: SimpleNamespace(soc="Ascend310"),
            aipp=lambda: AippFacts("aipp_op {}"),
            handed_in=handed,
        )
        return judge("om.described[bs4]", evidence)

    def expected(described: OmDescription, handed: bool) -> Check:
        flags = ("--fusion_switch_file=a.cfg", f"--insert_op_conf={file_name('aipp_op {}')}")
        odd = description_mismatches(described, spec.om_inputs(4), soc="Ascend310", flags=flags, handed_in=handed)
        assert odd
        unread = described.stored.unread
        read = f"atc --mode=1 alone: {unread}" if unread else "atc --mode=1, and the file's own bytes"
        return none_of(odd, among=1, unit="mismatches", source=read)

    one = OmDescription("Ascend310", inputs, stored)
    assert found(one) == expected(one, handed=False)
    assert len(expected(one, handed=False).detail.split("--")) == 3
    assert seen == ["om_bs4"]
    unread = replace(one, soc="Ascend310P3", stored=StoredOm(None, (), (), "no OM of a known layout"))
    assert found(unread) == expected(unread, handed=False)
    other = replace(one, soc="Ascend310P3")
    assert found(other, lambda name: SimpleNamespace(file="x")) == expected(other, handed=True)


# --- Throughput and accuracy ------------------------------------------------------------------------------------------


def test_the_profile_is_that_of_the_batch_size() -> None:
    profile = OperatorProfile(4, 0, "op_summary", ("a.csv",), 5, 0, 3, (), ("no operator",))
    evidence: Any = SimpleNamespace(profile=lambda batch: profile if batch == 4 else None)
    assert judge("om.perf.operators[bs4]", evidence) == profile_check(profile)


@pytest.mark.parametrize("on_device", [True, False])
def test_throughput_runs_give_the_predictions_of_every_batch_size_over_the_data_set(on_device: bool) -> None:
    spec = replace(SPEC, batches=(1, 4, 16))
    bound = spec.om.batch_bound(on_device=on_device)
    largest: dict[int, tuple[float, ...]] = {1: (0.0, 0.002), 16: (0.001, 0.0)}
    modes = {size: spec.throughput_mode("Ascend310", size) for size in spec.batches}
    assert modes == {1: "dataset", 4: "pure", 16: "dataset"}

    def found(given: dict[int, tuple[float, ...]], soc: str = "Ascend310") -> Check:
        evidence: Any = SimpleNamespace(
            spec=spec,
            on_device=on_device,
            machine=lambda: SimpleNamespace(soc=soc),
            throughput_outputs=lambda size: SimpleNamespace(
                runs=[SimpleNamespace(largest=value) for value in given[size]]
            ),
        )
        return judge("om.perf.outputs_abs_error", evidence)

    assert found(largest) == within(0.002, bound)
    assert found({1: (0.0,), 16: (0.5, 0.25)}) == within(0.5, bound)
    assert found({1: (9.0, math.nan), 16: (0.5,)}) == within(math.nan, bound)
    reason = "every batch size is measured by pure inference, which gives no outputs"
    assert found({}, "Ascend310P3") == not_judged(reason, unit="logit")


@pytest.mark.parametrize(
    ("kind", "embedded", "by_reference", "said"),
    [
        ("published", False, "", ""),
        ("published", False, "made", ""),
        ("sample", True, "", ""),
        ("sample", False, "", ""),
        ("published", True, "", "not run"),
        ("published", True, "made", "not run"),
        ("sample", False, "made", "not judged"),
        ("sample", True, "made", "not judged"),
    ],
)
def test_guessing_is_asked_where_labels_mean_something(
    kind: Literal["published", "sample"], embedded: bool, by_reference: str, said: str
) -> None:
    top = top_five(PTH, array("q", [0, 1, 2, 3, 4] * 6), array("f", [5, 4, 3, 2, 1] * 6), array("q", [0] * 6))
    spec = replace(SPEC, kind=kind)
    data = SimpleNamespace(embedded_sample=embedded, labels_by_reference=by_reference)
    answers = {
        "": above_chance(top, spec.classes),
        "not run": not_run("the embedded sample's labels mean nothing to other weights", threshold="-", unit="percent"),
        "not judged": not_judged(OWN_PREDICTIONS, unit="percent"),
    }
    evidence: Any = SimpleNamespace(spec=spec, dataset=lambda: data, top_five={PTH: top}.__getitem__)
    assert judge("pth.accuracy.above_chance", evidence) == answers[said]


@pytest.mark.parametrize(("k", "right"), [(1, 0), (5, 0), (1, 60), (5, 60)])
@pytest.mark.parametrize("gap", ["", "a part of them"])
def test_a_checkpoint_that_so_few_images_refute_fails_on_a_part_of_them_too(k: int, right: int, gap: str) -> None:
    names = [name for image in range(60) for name in range(image + (image >= right), image + 10)[:5]]
    top = top_five(PTH, array("q", names), array("f", [5, 4, 3, 2, 1] * 60), array("q", range(60)))
    data = DatasetRecord(60, False, None, "i" * 64, "c" * 64, "l" * 64, 0, (), gap)
    published, error = of_reference(SPEC.accuracy, k)
    refuted = shortfall(top, data, SPEC, k)
    assert bool(refuted) is (right == 0)
    evidence: Any = SimpleNamespace(spec=SPEC, dataset=lambda: data, gap=lambda: gap, top_five={PTH: top}.__getitem__)
    found = judge(f"pth.accuracy.top{k}_error_pp", evidence)
    whose = "the checkpoint's"
    assert found == published_accuracy(top.top_k(k), published, error, whose=whose, incomplete=gap, refuted=refuted)


@pytest.mark.parametrize("k", [1, 5])
def test_a_checkpoints_accuracy_that_nobody_published_is_not_judged(k: int) -> None:
    spec = replace(SPEC, accuracy=replace(SPEC.accuracy, pth_top1=None, pth_top5=None))
    data = DatasetRecord(6, False, None, "i" * 64, "c" * 64, "l" * 64, 0, (), "")
    top = top_five(PTH, array("q", [0, 1, 2, 3, 4] * 6), array("f", [5, 4, 3, 2, 1] * 6), array("q", [0] * 6))
    found = answer(f"pth.accuracy.top{k}_error_pp", spec, top_five=top, dataset=data, gap="")
    assert found == not_judged(f"nobody published the checkpoint's Top-{k}", unit="pp")


VARIANTS = (PTH, ONNX, om(4))


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_whole_and_there(variant: Variant) -> None:
    asked: list[tuple[str, Variant]] = []

    def evidence(taken: str) -> Any:  # noqa: ANN401 - of a run
        handed = handover("labels", "ab", "predictions", taken)

        def given(name: Variant) -> Handover:
            asked.append(("handover", name))
            return handed

        def top(name: Variant) -> object:
            asked.append(("top_five", name))
            return SimpleNamespace(images=2)

        return SimpleNamespace(handover=given, top_five=top)

    assert judge(variant.gate("ids"), evidence("ab")) == conserved(handover("labels", "ab", "predictions", "ab"))
    assert asked == [("handover", variant), ("top_five", variant)]
    lost = judge(variant.gate("ids"), evidence("a"))
    assert lost == conserved(handover("labels", "ab", "predictions", "a"))
    assert asked[2:] == [("handover", variant)]
    assert judge(variant.gate("finite"), evidence("ab")) == made("2 rows")
    assert asked[3:] == [("top_five", variant)]


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_a_drop_is_the_variants_own_at_its_k(variant: Variant) -> None:
    found: Any = SimpleNamespace(loss=lambda name, k: SimpleNamespace(check=made(f"{name} at {k}")))
    assert judge(variant.gate("top1_drop_pp"), found) == made(f"{variant} at 1")
    assert judge(variant.gate("top5_drop_pp"), found) == made(f"{variant} at 5")


@pytest.mark.parametrize("on_device", [True, False])
@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_logits_are_held_against_the_bounds_of_their_variant_and_place(variant: Variant, on_device: bool) -> None:
    found: Any = summarise([], near_tie_logits=0.1)
    found = replace(found, flipped_beyond_near_tie=("a",), min_cosine=0.5, mean_cosine_distance=0.25)
    column = Systematic(20, Estimate(3.0, 0.1), Estimate(4.0, 0.1), 7, Estimate(5.0, 0.1), 6.0, "a")
    found = replace(found, max_abs_error_logits=8.0, top5_set_changed_percent=90.0, systematic=column, images=9)
    evidence: Any = SimpleNamespace(
        spec=SPEC, on_device=on_device, agreement=lambda name: found if name == variant else None
    )
    bounds = SPEC.agreement_bounds(variant.kind, on_device=on_device)
    for question, compare in CHECKS.items():
        held = compare(found, getattr(bounds, question))
        assert judge(variant.gate(question), evidence) == held, question


@pytest.mark.parametrize("gap", ["", "a part of them"])
@pytest.mark.parametrize("k", [1, 5])
def test_an_oms_accuracy_is_held_against_the_published_oms(k: int, gap: str) -> None:
    device = SPEC.device("Ascend310")
    assert device is not None
    device = replace(device, om_top1_error_pp=replace(device.om_top1_error_pp, at_most=0.25))
    top = top_five(om(4), array("q", [0, 1, 2, 3, 4] * 6), array("f", [5, 4, 3, 2, 1] * 6), array("q", [0, 1] * 3))
    evidence: Any = SimpleNamespace(
        device_class=lambda: device, gap=lambda: gap, top_five=lambda name: top if name == "om_bs4" else None
    )
    published, error = {
        1: (device.om_top1, device.om_top1_error_pp),
        5: (device.om_top5, device.om_top5_error_pp),
    }[k]
    whose = "the OM's on Ascend310"
    held = published_accuracy(top.top_k(k), published, error, whose=whose, incomplete=gap)
    assert judge(f"om.accuracy.top{k}_error_pp[bs4]", evidence) == held
    device = replace(device, om_top1=None, om_top5=None)
    nobody = not_judged(f"nobody published the OM's on Ascend310 Top-{k}", unit="pp")
    assert judge(f"om.accuracy.top{k}_error_pp[bs4]", evidence) == nobody


@pytest.mark.parametrize("k", [1, 5])
def test_of_a_chip_that_nobody_knows_no_accuracy_was_published(k: int) -> None:
    found = answer(f"om.accuracy.top{k}_error_pp[bs4]", device_class=None, machine=SimpleNamespace(soc="Ascend999"))
    assert found == not_judged("nothing is known about Ascend999", unit="pp")
