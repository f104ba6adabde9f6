"""Pack the offline judge into one file that needs nothing but Python: `python tools/pack_judge.py` (`make judge`).

`python -S -I build/verify_bundle.pyz BUNDLE` judges as tools/verify_bundle.py does, in any folder of any machine. What
goes in is found by following the judge's imports; the same code gives the same bytes (as the same zlib packs them).
"""

from __future__ import annotations

import sys
import zipfile
from modulefinder import ModuleFinder
from pathlib import Path

if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from tools.base.interpreter import require

    require(oldest=(3, 8))

from tools.base.cli import EXIT_OK, Parser, run, say
from tools.base.files import IMPORTED_FROM, MADE_BELOW, atomic

ENTRY = "tools.verify_bundle"
PACKED = MADE_BELOW / "build" / "verify_bundle.pyz"
STARTED_FIRST = "__main__.py"
CALL_ENTRY = f"import sys\n\nfrom {ENTRY} import main\n\nsys.exit(main())\n"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip file can name; every file gets it."""
READABLE = 0o100644 << 16


def judge_files() -> list[str]:
    """Every file of the suite that the judge imports, its entry included, as imports find them, and what it says in
    other languages; in order."""
    finder = ModuleFinder([str(IMPORTED_FROM)])
    finder.import_hook(ENTRY)
    found = (getattr(module, "__file__", None) for module in finder.modules.values())
    catalogues = (IMPORTED_FROM / "tools" / "base").glob("*.po")
    return sorted(Path(path).relative_to(IMPORTED_FROM).as_posix() for path in (*found, *catalogues) if path)


def pack(place: Path) -> None:
    """Write the judge as one zip file, as zipapp would; that takes times and modes from the disk."""
    files = {name: (IMPORTED_FROM / name).read_bytes() for name in judge_files()}
    contents = {STARTED_FIRST: CALL_ENTRY.encode(), **files}
    with atomic(place) as partial, zipfile.ZipFile(partial, "w") as packed:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = READABLE
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> int:
    """Pack the judge."""
    parser = Parser(description="Pack the offline judge into one file that needs nothing but Python 3.8 or newer.")
    parser.add_argument("file", nargs="?", type=Path, default=PACKED, help="default: build/verify_bundle.pyz")
    place: Path = parser.parse_args().file
    pack(place)
    say(f"{place}: {place.stat().st_size} bytes")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(run(main))
