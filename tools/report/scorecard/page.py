"""scorecard.html: one file with its libraries in it, which asks no network and runs no script made of data."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup

from tools.base.errors import SuiteError
from tools.base.messages import ENGLISH, Catalogue
from tools.report import words
from tools.report.html import script_source, strict_environment
from tools.report.in_language import in_language
from tools.report.scorecard import texts
from tools.report.scorecard.changes import Change, Direction
from tools.report.scorecard.plots import Figure, figure_in
from tools.report.scorecard.rows import Row
from tools.report.scorecard.table_words import table_words

HERE = Path(__file__).parent
LIBRARIES = {"itables": "the tables", "plotly": "the plots"}
FIX = "run pip install -e '.[scorecard]', or ask for no page with --no-html"
_MENU = ("orderAsc", "orderDesc", "spacer", "search")
TABLE_OPTIONS = {
    "paging": False,
    "order": [],
    "layout": {"topStart": "info", "topEnd": "search", "bottomStart": None, "bottomEnd": None},
    "autoWidth": False,
    "columnControl": [[*_MENU]],
    "columnDefs": [{"targets": "list", "columnControl": [[*_MENU, "searchList"]]}],
    "ordering": {"indicators": True, "handler": True},
    "language": {"info": "_TOTAL_ of _MAX_ rows", "infoEmpty": "no row of _MAX_", "infoFiltered": ""},
}
_NOT_IN_HTML = re.compile(r"<(?=!--|/?script)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", re.IGNORECASE)
_EXPORTS = re.compile(r"\bexport\s*\{([^{}]*)\}\s*;?")


@dataclass(frozen=True)
class Scripts:
    """What the page executes, as it stands between `<script>` and `</script>`, and the tables' style sheet."""

    plotly: str
    tables: str
    css: str

    @property
    def policy(self) -> str:
        """The content security policy: these scripts and no others, nothing from anywhere."""
        allowed = " ".join(map(script_source, (self.plotly, self.tables)))
        return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def require_libraries() -> None:
    """SuiteError that names each library which the page needs and this Python has not."""
    missing = [f"{name} ({what})" for name, what in LIBRARIES.items() if find_spec(name) is None]
    if missing:
        raise SuiteError(f"the page needs {' and '.join(missing)}, which this Python has not", fix=FIX)


def read_scripts() -> Scripts:
    """The libraries' own files, as they are installed."""
    tables = files("itables") / "html"
    start = (HERE / "start.js").read_text("utf-8")
    return Scripts(
        plotly=_inside((files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")),
        tables=_inside(f"{_without_exports((tables / 'dt_bundle.js').read_text('utf-8'))}\n{start}"),
        css=(tables / "dt_bundle.css").read_text("utf-8"),
    )


def _without_exports(module: str) -> str:
    """A module whose exports are put where a script of the page finds them, which can import nothing."""
    found = _EXPORTS.findall(module)
    if len(found) != 1:
        raise SuiteError(f"itables has {len(found)} lists of exports, one was expected", fix=FIX)
    pairs = (entry.split(" as ") for entry in found[0].split(","))
    named = ", ".join(f"{theirs.strip()}: {ours.strip()}" for ours, theirs in pairs)
    return _EXPORTS.sub(lambda _: f"globalThis.tables = {{ {named} }};", module)


def _inside(script: str) -> str:
    """The script as it may stand in a page: what HTML would read or refuse in its strings is written otherwise."""
    return _NOT_IN_HTML.sub(lambda found: f"\\x{ord(found[0]):02x}", script)


def html_text(
    rows: Sequence[Row],
    earlier: Sequence[Row],
    changes: Sequence[Change] | None,
    plots: Mapping[str, tuple[str, Figure]],
    out: Path,
    scripts: Scripts,
    language: Catalogue = ENGLISH,
) -> str:
    """The page in a language; `out` is the folder that its links to reports lead from."""
    environment = strict_environment(HERE)
    environment.filters.update(
        breakable=_breakable,
        drop=texts.drop_text,
        number=texts.number,
        css_class=_css_class,
        shown=words.shortened,
        sort_key=_sort_key,
    )
    environment.globals.update(links=lambda row: texts.report_links(row, out), Direction=Direction)
    page = environment.get_template("scorecard.html").render(
        rows=rows,
        earlier=earlier,
        changes=None if changes is None else [entry for entry in changes if entry.direction is not Direction.UNCHANGED],
        unchanged=sum(entry.direction is Direction.UNCHANGED for entry in changes or ()),
        counts=Counter(row.word for row in rows),
        plots={
            name: (title, figure["layout"]["height"], _data(figure_in(figure, language)))
            for name, (title, figure) in plots.items()
        },
        table_options=_data({**TABLE_OPTIONS, "language": table_words(language)}),
        policy=scripts.policy,
        plotly=Markup(scripts.plotly),  # noqa: S704 - the libraries' own
        tables=Markup(scripts.tables),  # noqa: S704
        tables_css=Markup(scripts.css),  # noqa: S704
    )
    return in_language(page, language)


def checked(figure: Figure) -> Figure:
    """A figure that plotly knows every part of; ValueError, in its words, for one that it does not."""
    from plotly.graph_objects import Figure as PlotlyFigure

    plain: Figure = PlotlyFigure(figure).to_plotly_json()
    return plain


def _data(value: object) -> Markup:
    """JSON as it may stand in a page: no character of it means anything to HTML."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _breakable(name: str) -> Markup:
    """A name that a narrow column breaks behind its underscores, not inside of its words."""
    return Markup("_<wbr>").join(name.split("_"))


def _css_class(word: str) -> str:
    return word.lower().replace(" ", "-")


def _sort_key(value: float | None) -> str:
    """What a column is sorted by: the figure in full, nothing where there is none."""
    return "" if value is None else repr(value)
