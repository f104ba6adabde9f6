"""report.html: one self-contained page made from a bundle's folder alone, readable without script or network."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from tools.ascend.target import TargetKind
from tools.base.errors import SuiteError
from tools.base.files import atomic, sha256_of
from tools.judge.acceptance import FILE, SPEC_JSON, Acceptance
from tools.judge.accuracy import PLACES
from tools.judge.documents import read_spec as read_bundled_spec
from tools.judge.files import Refused
from tools.judge.guide_result import result_files
from tools.judge.op_profile import hot_words
from tools.judge.pages import REPORT, RESULTS, stamp
from tools.judge.remarks import HOST_THROUGHPUT, OM_THROUGHPUT
from tools.judge.results import Verdict
from tools.judge.spec import Spec
from tools.report import words
from tools.report.baseline import Comparison
from tools.report.flips import Flips, find_flips
from tools.report.gate_rows import gates_by_stage, is_plain
from tools.report.operators import INVENTED
from tools.report.results_md import results_markdown
from tools.report.summary import summarise
from tools.report.svg_plots import loss_plot, throughput_plot, time_plot
from tools.report.tables import accuracy_rows, host_rows, not_measured_here, references, throughput_rows
from tools.report.thumbnails import ThumbnailError, thumbnail

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
COMMANDS_SHOWN = 200


class ReportError(SuiteError):
    """A bundle that no report can be made from."""


def write_report(
    folder: Path,
    acceptance: Acceptance,
    images: Mapping[str, Path] | None = None,
    comparison: Comparison | None = None,
) -> None:
    """Write report.html, results.md and result/ into a bundle's folder, each file whole or not at all.

    `images` (id -> file) gives the flipped images their thumbnails; `comparison` adds the deltas to a baseline.
    ReportError or PredictionsError when the spec or the predictions in the folder are damaged.
    """
    spec = read_spec(folder, acceptance)
    page = render(folder, acceptance, spec, images or {}, comparison)
    last_line = stamp(sha256_of(folder / FILE)) if (folder / FILE).is_file() else ""  # a record of no bundle has none
    pages = {REPORT: page + last_line, RESULTS: results_markdown(acceptance, spec) + last_line}
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
        raise ReportError(f"cannot read the bundle's port: {error}", where=path) from error


def render(
    folder: Path,
    acceptance: Acceptance,
    spec: Spec | None,
    images: Mapping[str, Path],
    comparison: Comparison | None,
) -> str:
    """The page as text; everything that comes from data is escaped by the template engine."""
    stages = gates_by_stage(acceptance, folder)
    accuracy, throughput = accuracy_rows(acceptance, spec), throughput_rows(acceptance, spec)
    flips = find_flips(folder, acceptance.variants, places=PLACES if spec is None else spec.places)
    return (
        _environment(folder)
        .get_template("page.html")
        .render(
            run=acceptance,
            spec=spec,
            summary=summarise(acceptance, spec, stages),
            stages=stages,
            accuracy=accuracy,
            references=references(acceptance, spec),
            throughput=throughput,
            host=host_rows(acceptance),
            host_reused=not_measured_here(acceptance, HOST_THROUGHPUT),
            om_reused=not_measured_here(acceptance, OM_THROUGHPUT),
            flips=flips,
            pictures=_pictures(flips, images),
            plots={
                "throughput": throughput_plot(throughput),
                "loss": loss_plot(accuracy, spec),
                "time": time_plot(acceptance.timings),
            },
            comparison=comparison,
            invented=INVENTED if acceptance.target == TargetKind.SIMULATOR else "",
            commands_shown=COMMANDS_SHOWN,
        )
    )


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
    )


def _environment(folder: Path) -> Environment:
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
    )
    return environment


def _link(folder: Path, file: str) -> str:
    """A relative address of a file of the bundle, empty for one that is not in it."""
    return f"./{quote(file)}" if is_plain(file) and (folder / file).is_file() else ""


def _finalize(value: object) -> object:
    if value is None:
        _refuse_none()
    plain = isinstance(value, str) and not hasattr(value, "__html__")  # texts of any class, but not the template's own
    return words.printable(str(value)) if plain else value


def _refuse_none() -> NoReturn:
    raise TypeError("the page would print None")
