"""The language that a person reads: what is shown is said in it, what is kept as evidence stays English."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Mapping

from tools.base.errors import SuiteError
from tools.base.messages import ENGLISH, Catalogue, read_catalogue
from tools.base.text_enum import TextEnum
from tools.base.variables import variable_of

VARIABLE = variable_of("lang")
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The variables of a locale; the first that is set counts, as POSIX has it."""


class Language(TextEnum):
    """A language that messages can be shown in."""

    ENGLISH = "en"
    CHINESE = "zh"


def language(option: str | None, environment: Mapping[str, str]) -> Language:
    """The language that was asked for, else that of the locale; SuiteError for one that the suite does not speak."""
    asked = option or environment.get(VARIABLE)
    if asked:
        known = [str(one) for one in Language]
        if asked not in known:
            raise SuiteError(f"--lang ({VARIABLE}) is {asked!r}, it must be one of {', '.join(known)}")
        return Language(asked)
    locale = next((environment[name] for name in LOCALE if environment.get(name)), "")
    return Language.CHINESE if locale.lower().startswith(Language.CHINESE) else Language.ENGLISH


@lru_cache(maxsize=None)
def catalogue(wanted: Language) -> Catalogue:
    """The messages of a language; of English, in which they are written, every text is its own translation."""
    if wanted is Language.ENGLISH:
        return ENGLISH
    return read_catalogue(f"{wanted}.po", _beside_this_file(f"{wanted}.po"))


def spoken(option: str | None = None) -> Catalogue:
    """The messages in the language of the option or the locale; English where one is named that is not known, for
    what is said before anything can be refused."""
    try:
        return catalogue(language(option, os.environ))
    except SuiteError:
        return ENGLISH


def _beside_this_file(name: str) -> str:
    """A file of this folder, also where that lies in a zip file."""
    loader = globals().get("__loader__")
    place = str(Path(__file__).with_name(name))
    return bytes(loader.get_data(place)).decode("utf-8") if loader else Path(place).read_text("utf-8")
