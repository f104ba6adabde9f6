"""A page of a bundle says the word of its record and no other, however it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import pytest

from selftest.evidence.bundles import Made, World
from selftest.evidence.tampering import Forgery, Sealed, assert_refused, contents_of
from tools.evidence.manifest import write_manifest
from tools.evidence.record_file import read_acceptance
from tools.judge.acceptance import Acceptance
from tools.judge.bundle import Bundle
from tools.judge.documents import read_acceptance as read_acceptance_of
from tools.judge.documents import read_spec
from tools.judge.files import read_json
from tools.judge.layout import FILE, SPEC_JSON
from tools.judge.pages import check_pages
from tools.judge.results import Word
from tools.judge.spec import Spec
from tools.judge.verify import OK
from tools.report.html import write_report

REPORT, RESULTS = "report.html", "results.md"  # as people open them, whatever the judge calls them
SMALL = {"images": 60, "margin_pp": 20.0, "tight_pp": 19.0, "batches": (1,), "runs": 2}
Change = Callable[[str], str]


def with_pages(place: Path, world: World) -> dict[str, bytes]:
    """The files of a made-up run's bundle, pages included."""
    Made(world).write(place)
    write_report(place, read_acceptance(place))
    write_manifest(place)
    return contents_of(place)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Those of a simulated run."""
    world = World(on_device=False, **SMALL)  # type: ignore[arg-type]
    return with_pages(tmp_path_factory.mktemp("pages") / "bundle", world)


class Kept(Forgery):
    """A forgery whose record stays the bytes that it is."""

    def sealed(self):  # type: ignore[no-untyped-def] # noqa: ANN201 - as Forgery.sealed
        """The bundle with the record as it was written."""
        sealed = super().sealed()
        sealed.contents[FILE] = self.written
        sealed.digests[FILE] = hashlib.sha256(self.written).hexdigest()
        return sealed

    def __init__(self, contents: dict[str, bytes]) -> None:
        super().__init__(contents)
        self.written = contents[FILE]


@lru_cache
def parsed(record: bytes, spec: bytes) -> tuple[Acceptance, Spec]:
    """A bundle's record and spec, which no page changes."""
    return read_acceptance_of(read_json(record, FILE)), read_spec(spec, SPEC_JSON)


def problems(contents: dict[str, bytes], **changed: bytes) -> list[str]:
    """What the judge says of the pages alone, some of which are others."""
    contents = {**contents, **changed}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    files = Sealed(Path("bundle"), digests, "0" * 64, contents)
    bundle = Bundle("bundle", files, *parsed(contents[FILE], contents[SPEC_JSON]))
    check_pages(bundle)
    return bundle.problems


def footed(text: str, word: str) -> str:
    return text.replace("<footer>", f"<footer>x{word}y")


def headed(text: str) -> str:
    return text.replace("SIMULATED", "ACCEPTED").replace("仅为模拟运行", "验收通过")


FORGED: dict[str, tuple[str, Change, str]] = {
    "every word of the page": (REPORT, headed, "its headline is not `SIMULATED 仅为模拟运行`"),
    "every word of the table": (RESULTS, headed, "its headline is not `**SIMULATED**: "),
    "one more sentence": (RESULTS, lambda text: f"{text[:-120]}\nACCEPTED\n{text[-120:]}", "it says ACCEPTED"),
    "one more heading": (REPORT, lambda text: text.replace("<main", "<h1>PASSED</h1><main"), "its headline is not"),
    "before everything": (REPORT, lambda text: f"ACCEPTED{text}", "it says ACCEPTED"),
    "in pieces": (REPORT, lambda text: text.replace("<footer>", "<footer>ACC<b></b>&#69;PTED"), "it says ACCEPTED"),
    "in a field": (REPORT, lambda text: text.replace("<footer>", "<footer><p title='ACC&#69;PTED'>"), "it says ACC"),
    "around a field": (REPORT, lambda text: text.replace("<footer>", "<footer>ACC<b id=a></b>EPTED"), "it says ACC"),
    **{
        f"in Chinese, {word}": (REPORT, partial(footed, word=word), f"it says {word}")
        for word in ("验收通过", "验收不通过", "验收未完成", "仅为样例数据", "权重来源未经确认")
    },
    "the end of the heading": (REPORT, lambda text: text.replace("</h1>", "<b></b> of a chip</h1>"), "its headline is"),
    "of another record": (
        REPORT,
        lambda text: text.replace("sha256 ", "sha256 0"),
        "not made from this acceptance.json",
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_page_that_says_another_word_is_named(how: str, contents: dict[str, bytes]) -> None:
    name, change, said = FORGED[how]
    changed = change(contents[name].decode()).encode()
    assert changed != contents[name]
    found = problems(contents, **{name: changed})
    assert found[0].startswith(f"{name}: {said}")
    assert all(problem.endswith(": make it again with tools/report_bundle.py") for problem in found)


def test_a_page_that_is_no_text_is_named(contents: dict[str, bytes]) -> None:
    report = contents[REPORT].replace(b"<h1", b"\xff<h1 \xff", 1)
    found = problems(contents, **{REPORT: report, RESULTS: b"\xff" + contents[RESULTS]})
    assert [problem.partition("`")[0] for problem in found] == ["results.md: its headline is not "]


def test_what_else_a_page_says_is_its_own_affair(contents: dict[str, bytes]) -> None:
    assert problems(contents, **{REPORT: contents[REPORT].replace(b"</h1>", b"</h1>of SAMPLES", 1)}) == []


def test_a_bundle_without_pages_holds(contents: dict[str, bytes]) -> None:
    assert problems({name: content for name, content in contents.items() if name not in (REPORT, RESULTS)}) == []


@pytest.mark.parametrize("name", ["result/result.json", "result/result_bs1.json", "result/result_bs2.json"])
def test_a_result_that_the_record_does_not_have_is_named(name: str, contents: dict[str, bytes]) -> None:
    better = contents["result/result.json"].replace(b'"Top1 accuracy", "value": "', b'"Top1 accuracy", "value": "9')
    assert better != contents["result/result.json"]
    again = "make it again with tools/report_bundle.py"
    assert problems(contents, **{name: better}) == [f"{name}: not the accuracy that acceptance.json has: {again}"]


def test_a_result_that_the_record_does_not_have_is_named_though_it_is_empty(contents: dict[str, bytes]) -> None:
    (problem,) = problems(contents, **{"result/result_bs2.json": b""})
    assert problem.startswith("result/result_bs2.json: not the accuracy that ")


def test_a_result_of_the_simulator_that_does_not_say_so_is_named(contents: dict[str, bytes]) -> None:
    name = "result/result.json"
    changed = contents[name].replace(b', "made_on": "SIMULATED"', b"")
    assert changed != contents[name]
    found = problems(contents, **{name: changed})
    assert [problem.partition(" that ")[0] for problem in found] == [f"{name}: not the accuracy"]


def test_a_bundle_is_refused_for_its_page(contents: dict[str, bytes]) -> None:
    forgery = Kept(contents)
    assert (forgery.outcome().status, forgery.outcome().word) == (OK, Word.SIMULATED)
    forgery.contents[RESULTS] = headed(contents[RESULTS].decode()).encode()
    assert_refused(forgery.outcome(), f"{RESULTS}: its headline is not `**SIMULATED**: ")


@pytest.mark.parametrize("kind", [{}, {"pinned": False}, {"kind": "sample"}, {"stages": ("accuracy",)}], ids=str)
def test_pages_as_they_are_written_are_right(kind: dict[str, object], tmp_path: Path) -> None:
    world = World(**SMALL, **kind)  # type: ignore[arg-type]
    assert problems(with_pages(tmp_path / "bundle", world)) == []
