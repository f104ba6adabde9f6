"""report.html: one self-contained page made from a bundle's folder, readable without network and without script.

The one script in it searches the gates; the page's content security policy names its digest and allows no other.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from markupsafe import Markup

from tools.ascend.target import TargetKind
from tools.base.errors import SuiteError, reason
from tools.base.files import atomic, sha256_of
from tools.base.messages import ENGLISH, Catalogue
from tools.judge.acceptance import Acceptance
from tools.judge.accuracy import PLACES
from tools.judge.documents import read_spec as read_bundled_spec
from tools.judge.files import Refused
from tools.judge.guide_result import result_files
from tools.judge.layout import FILE, LOGS, SPEC_JSON
from tools.judge.op_profile import hot_words
from tools.judge.pages import REPORT, RESULTS, stamp
from tools.judge.perf_logs import log_name
from tools.judge.remarks import HOST_THROUGHPUT, OM_THROUGHPUT
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.judge.throughput_records import DeviceThroughput
from tools.report import words
from tools.report.baseline import Comparison
from tools.report.by_class import by_class
from tools.report.class_names import class_names
from tools.report.flips import Flips, find_flips
from tools.report.gate_rows import StageGates, gates_by_stage, is_plain
from tools.report.in_language import in_language
from tools.report.latency import latency_rows
from tools.report.operators import INVENTED
from tools.report.predictions import read_predictions
from tools.report.results_md import results_markdown
from tools.report.summary import summarise
from tools.report.svg_plots import loss_plot, throughput_plot, time_plot
from tools.report.tables import accuracy_rows, host_rows, not_measured_here, references, throughput_rows
from tools.report.thumbnails import ThumbnailError, thumbnail
from tools.report.trend import Earlier, trend_rows

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment
    from jinja2.bccache import Bucket

HERE = Path(__file__).parent
COMMANDS_SHOWN = 200
LOSERS_SHOWN, CLASSES_SHOWN = 10, 1000
SEARCH = Markup((HERE / "search.js").read_text("utf-8"))  # noqa: S704 - the suite's own
NOTHING_EARLIER = Earlier()


class ReportError(SuiteError):
    """A bundle that no report can be made from."""


def write_report(
    folder: Path,
    acceptance: Acceptance,
    images: Mapping[str, Path] | None = None,
    comparison: Comparison | None = None,
    earlier: Earlier = NOTHING_EARLIER,
    names: Sequence[str] = (),
    language: Catalogue = ENGLISH,
) -> None:
    """Write report.html, results.md and result/ into a bundle's folder, each file whole or not at all.

    `images` (id -> file) gives the flipped images their thumbnails; `comparison` adds the deltas to a baseline,
    `earlier` the figures of runs before this one; `names` are those of the classes, where they are not ImageNet's.
    The pages are said in `language`; what is kept as evidence is English.
    ReportError or PredictionsError when the spec or the predictions in the folder are damaged.
    """
    spec = read_spec(folder, acceptance)
    page = in_language(render(folder, acceptance, spec, images or {}, comparison, earlier, names), language)
    last_line = stamp(sha256_of(folder / FILE)) if (folder / FILE).is_file() else ""  # a record of no bundle has none
    pages = {REPORT: page + last_line, RESULTS: results_markdown(acceptance, spec, language) + last_line}
    for name, text in {**pages, **({} if spec is None else result_files(acceptance, spec))}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        with atomic(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")


def read_spec(folder: Path, acceptance: Acceptance) -> Spec | None:
    """The spec that the bundle carries, None where the run came to none."""
    if acceptance.spec is None:
        return None
    path = folder / SPEC_JSON
    try:
        return read_bundled_spec(path.read_bytes(), path.name)
    except (OSError, Refused) as error:
        raise ReportError(f"cannot read the bundle's port: {reason(error)}", where=path) from error


def render(
    folder: Path,
    acceptance: Acceptance,
    spec: Spec | None,
    images: Mapping[str, Path],
    comparison: Comparison | None,
    earlier: Earlier = NOTHING_EARLIER,
    names: Sequence[str] = (),
) -> str:
    """The page as text; everything that comes from data is escaped by the template engine."""
    stages = gates_by_stage(acceptance, folder)
    predictions = read_predictions(folder, acceptance.variants, places=PLACES if spec is None else spec.places)
    flips = None if predictions is None else find_flips(predictions)
    classes = None if predictions is None else by_class(predictions)
    named = (flips is not None and flips.shown) or (classes is not None and classes.losers)
    page = _environment(folder, class_names(acceptance, spec, names) if named or names else {}).get_template(
        "page.html"
    )
    return page.render(
        run=acceptance,
        spec=spec,
        summary=summarise(acceptance, spec, stages),
        stages=stages,
        shown_gates=_shown(stages),
        **_figures(acceptance, spec, earlier),
        flips=flips,
        classes=classes,
        pictures=_pictures(flips, images),
        comparison=comparison,
        invented=INVENTED if acceptance.target == TargetKind.SIMULATOR else "",
        commands_shown=COMMANDS_SHOWN,
        classes_shown=CLASSES_SHOWN,
        losers_shown=LOSERS_SHOWN,
        search=SEARCH,
        search_source=script_source(SEARCH),
    )


def _figures(acceptance: Acceptance, spec: Spec | None, earlier: Earlier) -> dict[str, object]:
    """Accuracy and throughput as the page's tables and plots show them, of this run and of those before it."""
    accuracy, throughput = accuracy_rows(acceptance, spec), throughput_rows(acceptance, spec)
    trend = trend_rows(acceptance, earlier)
    return {
        "accuracy": accuracy,
        "references": references(acceptance, spec),
        "throughput": throughput,
        "host": host_rows(acceptance),
        "host_reused": not_measured_here(acceptance, HOST_THROUGHPUT),
        "om_reused": not_measured_here(acceptance, OM_THROUGHPUT),
        "latency": latency_rows(acceptance.device_throughput),
        "trend": trend,
        "trend_batches": sorted({batch for row in trend for batch in row.rates}),
        "earlier": earlier,
        "plots": {
            "throughput": throughput_plot(throughput),
            "loss": loss_plot(accuracy, spec),
            "time": time_plot(acceptance.timings),
        },
    }


def _shown(stages: Sequence[StageGates]) -> dict[str, int]:
    """What of the gates can be shown alone, with how many there are; page.css hides the others."""
    return {
        "all": sum(stage.count(*Verdict) for stage in stages),
        "failed": sum(stage.count(Verdict.FAIL) for stage in stages),
        "undecided": sum(stage.count(Verdict.NOT_RUN, Verdict.INCONCLUSIVE) for stage in stages),
        "not judged": sum(stage.count(Verdict.NOT_JUDGED) for stage in stages),
        "warned": sum(stage.warnings for stage in stages),
        "passed": sum(stage.count(Verdict.PASS) for stage in stages),
    }


def _pictures(flips: Flips | None, images: Mapping[str, Path]) -> dict[str, tuple[str, str]]:
    """id -> (data URI, "") or ("", why there is none)."""
    pictures = {}
    for flip in flips.shown if flips else ():
        if flip.id not in images:
            pictures[flip.id] = "", "image not given"
            continue
        try:
            pictures[flip.id] = thumbnail(images[flip.id]), ""
        except ThumbnailError as error:
            pictures[flip.id] = "", str(error)
    return pictures


def strict_environment(templates: Path) -> Environment:
    """Templates in which everything is escaped, and neither an unknown name nor None can be printed."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )


@functools.cache
def _compiled() -> BytecodeCache:
    """What jinja2 has made of templates in this process; it holds each against the text of its template."""
    from jinja2 import BytecodeCache

    class Kept(BytecodeCache):
        def __init__(self) -> None:
            self._made: dict[str, bytes] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            if bucket.key in self._made:
                bucket.bytecode_from_string(self._made[bucket.key])

        def dump_bytecode(self, bucket: Bucket) -> None:
            self._made[bucket.key] = bucket.bytecode_to_string()

    return Kept()


def script_source(script: str) -> str:
    """A script as a content security policy allows it, by its digest."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _environment(folder: Path, names: Mapping[int, str]) -> Environment:
    environment = strict_environment(HERE)
    numbers = (words.places, words.signed, words.rate, words.general, words.brief, words.seconds, words.size)
    environment.filters.update({function.__name__: function for function in numbers})
    environment.filters.update(
        measured=words.measured,
        hot=hot_words,
        shortened=words.shortened,
        tail=lambda file: "/".join(file.split("/")[1:][-2:]) or file,
        sentence=lambda text: text[:1].upper() + text[1:],
        variant=words.variant_name,
        shell=shlex.join,
        css_class=lambda verdict: str(verdict).lower().replace(" ", "-"),
    )
    environment.globals.update(
        Verdict=Verdict,
        chinese_banner=words.CHINESE_BANNER,
        banner=words.BANNER,
        link=lambda file: _link(folder, file),
        run_logs=lambda record: _run_logs(folder, record),
        class_name=lambda index: names.get(index, ""),
    )
    return environment


def _link(folder: Path, file: str) -> str:
    """A relative address of a file of the bundle, empty for one that is not in it."""
    return f"./{quote(file)}" if is_plain(file) and (folder / file).is_file() else ""


def _run_logs(folder: Path, record: DeviceThroughput) -> list[str]:
    """Addresses of what the tool printed in each run of a batch size, as far as the bundle has it."""
    names = (log_name(run.run, run.mode, run.device) for run in record.runs)
    addresses = (_link(folder, f"{LOGS}/perf-bs{record.batch}/{name}/stdout.txt") for name in names)
    return [address for address in addresses if address]


def _finalize(value: object) -> object:
    if value is None:
        _refuse_none()
    plain = isinstance(value, str) and not hasattr(value, "__html__")  # texts of any class, but not the template's own
    return words.printable(str(value)) if plain else value


def _refuse_none() -> NoReturn:
    raise TypeError("the page would print None")
