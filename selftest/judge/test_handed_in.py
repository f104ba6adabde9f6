"""What a record says of files that the porter has made: each statement that nothing else in the bundle bears is named,
and none that fits. Whole runs with such files are in selftest/test_handed_in.py."""

from __future__ import annotations

import copy
import hashlib
from functools import partial
from typing import Any

import pytest

from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import Forgery, contents_of
from tools.judge.bundle import read_bundle
from tools.judge.handed_in import FOLDER, DataFile, HandedIn, declares, of_declared, said
from tools.judge.handed_in_check import check_handed_in

HERE = "acceptance.json.handed_in"
KEPT = f"{FOLDER}/onnx.onnx"
BESIDE = {"name": "a.bin", "sha256": "1" * 64, "size_bytes": 1}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run of three batch sizes into which nothing was handed, and a copy of its ONNX file."""
    small = World(images=20, batches=(1, 4, 16), runs=1, stages=("onnx", "om"))
    files = contents_of(Made(small).write(tmp_path_factory.mktemp("handed_in") / "bundle"))
    return {**files, KEPT: b"onnx"}


def entry(name: str, **changes: object) -> dict[str, object]:
    """A file as it is handed in where it is the very one of the digests."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return {"name": name, "file": "mine", "sha256": sha256, "size_bytes": 1, "data": [], "kept": "", **changes}


def problems(contents: dict[str, bytes], *entries: dict[str, object], **more: Any) -> list[str]:  # noqa: ANN401
    """What the judge says of a bundle whose record has these files; `more` as in `changed`."""
    forgery = Forgery(contents)
    forgery.record["handed_in"] = list(entries)
    oms = {one["name"] for one in entries} & {"om_bs1", "om_bs4", "om_bs16"}
    forgery.record["onnx_operators"]["for_atc"] = not oms
    changed(forgery, **more)
    bundle = read_bundle("bundle", forgery.sealed())
    check_handed_in(bundle)
    return bundle.problems


def changed(
    forgery: Forgery,
    *,
    for_atc: bool | None = None,
    declared: tuple[str, ...] = (),
    int8: tuple[str, ...] = (),
    static: bool = False,
    without: tuple[str, ...] = (),
) -> None:
    """A record and a port otherwise: who reads the ONNX file, whose weights differ, what is int8, which batches the
    ONNX file has, and names of digests or of facts that the record is without."""
    forgery.spec = copy.deepcopy(forgery.spec)
    if for_atc is not None:
        forgery.record["onnx_operators"]["for_atc"] = for_atc
    forgery.record["onnx_weights"]["declared"] = list(declared)
    for kind in int8:
        forgery.spec[kind]["arithmetic"] = "int8"
    if static:
        forgery.spec["onnx"]["batch"] = "static"
        again = [{**one, "name": "onnx_bs1"} for one in forgery.record["digests"] if one["name"] == "onnx"]
        forgery.record["digests"] += again
    forgery.record["digests"] = [one for one in forgery.record["digests"] if one["name"] not in without]
    for name in set(without) & {"onnx_weights", "onnx_operators"}:
        forgery.record[name] = None


STATIC = entry("onnx_bs1", sha256=hashlib.sha256(b"onnx").hexdigest())
NO_OMS = ("om_bs1", "om_bs4", "om_bs16")
OMS = tuple(map(entry, NO_OMS))


@pytest.mark.parametrize(
    ("entries", "more"),
    [
        ((), {}),
        ((entry("onnx"),), {}),
        ((entry("onnx", kept=KEPT),), {}),
        (OMS, {}),
        ((entry("onnx"), *OMS), {"int8": ("onnx",)}),
        (OMS, {"int8": ("om",)}),
        ((entry("onnx"),), {"declared": ("head.weight",)}),
        ((entry("onnx", sha256="2" * 64, size_bytes=7, data=[BESIDE]),), {}),
        ((entry("onnx"), STATIC), {"static": True}),
        ((), {"static": True}),
        ((), {"without": ("onnx", "onnx_weights", "onnx_operators", *NO_OMS)}),
        ((), {"for_atc": False, "without": NO_OMS}),
        ((), {"int8": ("onnx",), "without": ("onnx", *NO_OMS)}),
        ((), {"int8": ("om",), "without": NO_OMS}),
        ((entry("om_bs1"),), {"without": ("om_bs4", "om_bs16")}),
    ],
)
def test_what_fits_is_no_problem(
    entries: tuple[dict[str, object], ...], more: dict[str, Any], contents: dict[str, bytes]
) -> None:
    assert problems(contents, *entries, **more) == []


@pytest.mark.parametrize(
    ("entries", "more", "named"),
    [
        ((entry("onnx", sha256="0" * 64),), {}, [f"{HERE}[0]: another file than onnx of the digests"]),
        ((entry("onnx", size_bytes=2),), {}, [f"{HERE}[0]: another file than onnx of the digests"]),
        ((*OMS, entry("onnx", size_bytes=2)), {}, [f"{HERE}[3]: another file than onnx of the digests"]),
        ((entry("onnx_bs7"),), {}, [f"{HERE}[0].name: 'onnx_bs7' is no file that this run rests on"]),
        ((entry("onnx"),), {"without": ("onnx",)}, [f"{HERE}[0].name: 'onnx' is no file that this run rests on"]),
        ((entry("checkpoint"),), {}, [f"{HERE}[0].name: 'checkpoint' is no file that this run rests on"]),
        (
            (entry("onnx", kept="spec.json"),),
            {},
            [f"{HERE}[0].kept: 'spec.json' is not onnx of the digests"],
        ),
        ((entry("onnx", kept="nowhere"),), {}, [f"{HERE}[0].kept: 'nowhere' is not onnx of the digests"]),
        (
            (entry("onnx", data=[BESIDE], sha256="2" * 64, kept="spec.json"),),
            {},
            [f"{HERE}[0].kept: 'spec.json' is not onnx of the digests"],
        ),
        (
            (entry("om_bs1", data=[BESIDE]), *OMS[1:]),
            {},
            [f"{HERE}[0].data: an OM keeps all that it holds in itself"],
        ),
        (
            (),
            {"declared": ("head.weight",)},
            ["acceptance.json.onnx_weights.declared: no ONNX file was handed in, whose weights could differ"],
        ),
        (
            OMS,
            {"declared": ("head.weight",)},
            ["acceptance.json.onnx_weights.declared: no ONNX file was handed in, whose weights could differ"],
        ),
        (
            OMS,
            {"int8": ("onnx",)},
            [f"{HERE}: the suite's own export is no int8, by whose bounds it was judged"],
        ),
        (
            (),
            {"int8": ("om",)},
            [f"{HERE}: OMs of the suite's own are no int8, by whose bounds they were judged"],
        ),
        (
            (entry("om_bs16"),),
            {"for_atc": True},
            [
                "acceptance.json.onnx_operators.for_atc: does not fit which OMs were handed in",
                f"{HERE}: om_bs1, om_bs4 are the suite's, others were handed in",
            ],
        ),
        ((entry("om_bs16"),), {}, [f"{HERE}: om_bs1, om_bs4 are the suite's, others were handed in"]),
        (
            (STATIC,),
            {"static": True, "int8": ("onnx",), "without": NO_OMS},
            [f"{HERE}: onnx are the suite's, others were handed in"],
        ),
        ((entry("onnx"),), {"static": True}, [f"{HERE}: onnx_bs1 are the suite's, others were handed in"]),
        ((), {"for_atc": False}, ["acceptance.json.onnx_operators.for_atc: does not fit which OMs were handed in"]),
        (OMS, {"for_atc": True}, ["acceptance.json.onnx_operators.for_atc: does not fit which OMs were handed in"]),
    ],
)
def test_what_nothing_else_in_the_bundle_bears_is_named(
    entries: tuple[dict[str, object], ...], more: dict[str, Any], named: list[str], contents: dict[str, bytes]
) -> None:
    assert problems(contents, *entries, **more) == named


ONE = HandedIn("onnx", "mine.onnx", "0123456789abcdef" * 4, 5)


def test_files_are_said_by_name_with_the_beginning_of_their_digest() -> None:
    om = HandedIn("om_bs1", "a.om", "f" * 64, 5)
    two = HandedIn("onnx_bs4", "b.onnx", "e" * 64, 5, (DataFile("x", "1" * 64, 1), DataFile("y", "2" * 64, 1)))
    assert said(()) == ()
    assert said((ONE,)) == ("handed in, not made by the suite: onnx (mine.onnx, sha256 0123456789ab)",)
    assert said((two, ONE, om)) == (
        "handed in, not made by the suite: om_bs1 (a.om, sha256 ffffffffffff), "
        "onnx (mine.onnx, sha256 0123456789ab), "
        "onnx_bs4 (b.onnx, sha256 eeeeeeeeeeee with 2 files of tensors beside it)",
    )
    assert (ONE.is_onnx, two.is_onnx, om.is_onnx) == (True, True, False)
    assert (ONE.data, ONE.kept) == ((), "")


def test_where_a_bundle_keeps_them() -> None:
    assert FOLDER == "handed_in"


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ((), ()),
        (("a",), ("1 weight is not the checkpoint's, the outputs alone are judged (a): by hand",)),
        (("a", "b"), ("2 weights are not the checkpoint's, the outputs alone are judged (a, b): by hand",)),
    ],
)
def test_weights_that_differ_are_said_with_the_ports_reason(names: tuple[str, ...], line: tuple[str, ...]) -> None:
    assert of_declared(names, "by hand") == line


def test_a_pattern_names_whole_tensors_in_their_case() -> None:
    declared = partial(declares, ("head.*", "stem"))
    assert declared("head.weight")
    assert declared("stem")
    assert not declared("Head.weight")
    assert not declared("stem.weight")
    assert not declares((), "stem")
