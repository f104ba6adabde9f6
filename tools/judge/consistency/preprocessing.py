"""Do recipe, AIPP file and JPEG files fit the port and each other?"""

from __future__ import annotations

from tools.judge.bundle import Bundle
from tools.judge.facts import AippFacts, JpegFacts, RecipeFacts
from tools.judge.files import short
from tools.judge.layout import FILE, PORT


def _recipe(bundle: Bundle, facts: RecipeFacts) -> None:
    """Nothing departs from a recipe that nobody states, and one that is followed is what the bins were held against."""
    where, parity = f"{FILE}.recipe", bundle.record.parity
    if facts.departures and not facts.library:
        bundle.problems.append(f"{where}.departures: from the recipe of no library")
    if parity is not None and bundle.spec.preprocessing.function is None:
        followed = bool(facts.library) and not facts.departures
        if followed != (parity.against == facts.library):
            against = short(parity.against)
            bundle.problems.append(f"{where}.library: {short(facts.library)} does not fit parity.against, {against}")


def check_preprocessing(bundle: Bundle) -> None:
    """What a library states of it, and what the chip's own preprocessing was given."""
    if bundle.record.recipe is not None:
        _recipe(bundle, bundle.record.recipe)
    if bundle.record.aipp is not None:
        _aipp(bundle, bundle.record.aipp)
    if bundle.record.jpegs is not None:
        _jpegs(bundle, bundle.record.jpegs)


def _aipp(bundle: Bundle, facts: AippFacts) -> None:
    """There is an AIPP file where the chip normalises alone, and it is the one that the port hands in, if it does."""
    asked, where = bundle.spec.preprocessing.aipp, f"{FILE}.aipp"
    if asked is None:
        bundle.problems.append(f"{where}: the port has no AIPP")
    elif asked.file is not None and bundle.files.read(f"{PORT}/{asked.file}") != facts.text.encode():
        bundle.problems.append(f"{where}.text: another file than {PORT}/{asked.file}")


def _jpegs(bundle: Bundle, facts: JpegFacts) -> None:
    """JPEG files are looked at where the vendor's tool is given them alone, and each that is named is an image."""
    where = f"{FILE}.jpegs"
    if not bundle.spec.preprocessing.is_jpeg:
        bundle.problems.append(f"{where}: the port gives no JPEG files to the tool")
    named = {name.partition(" (")[0] for name in facts.unfit} | {*facts.wrong_size, *facts.turned}
    if bundle.record.dataset is not None and (unknown := named - set(bundle.ids)):
        bundle.problems.append(f"{where}: {short(min(unknown))} is no image of the data set")
