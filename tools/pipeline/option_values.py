"""The values of options: words, numbers, files and folders, each refused in one line where it cannot be followed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tools.base.errors import SuiteError
from tools.pipeline.options import VARIABLES

LARGEST_DEVICE = 255  # ais_bench takes 0 to 255
MOST_DIGITS = 18  # beyond it lies no count of images
LONGEST_SHOWN = 60
NEXT_STEPS = {
    "checkpoint": "`python tools/fetch_checkpoint.py --port NAME` downloads the one that a port names",
    "imagenet": "name the folder that holds val/ and val_label.txt",
}
"""What to do where the thing that an option names is not there."""


class InputError(SuiteError):
    """An option or environment variable that cannot be followed."""


def option_name(name: str) -> str:
    """An option as messages name it, with its variable."""
    return f"--{name.replace('_', '-')} ({VARIABLES[name]})"


def given_value(name: str, options: Mapping[str, str | None], environment: Mapping[str, str]) -> str | None:
    """The option, else its variable; an empty variable is none, an empty option (`--images="$UNSET"`) a mistake."""
    option = options.get(name)
    if option is not None and not option.strip():
        raise InputError(f"{option_name(name)} is empty", fix="give it a value, or leave it out")
    return option or environment.get(VARIABLES[name]) or None


def one_of(given: Mapping[str, str | None], name: str, words: tuple[str, ...]) -> str:
    """The option's word; the first of `words` where nothing was said."""
    word = given[name] or words[0]
    if word not in words:
        raise InputError(f"{option_name(name)} is {word!r}, it must be one of {', '.join(words)}")
    return word


def count_of(given: Mapping[str, str | None], name: str) -> int | None:
    """The option's whole number of at least 1, None where nothing was said."""
    text = given[name]
    if text is None:
        return None
    count = _number(text)
    if count is None or count < 1:
        raise InputError(f"{option_name(name)} is {_short(text)}, it must be a whole number of at least 1")
    return count


def device_numbers(text: str, option: str) -> tuple[int, ...]:
    """The devices of a list such as `0,1,2,3`; InputError, which names the option, for anything else."""
    numbers = [_number(word) for word in text.split(",")]
    devices = tuple(number for number in numbers if number is not None and number <= LARGEST_DEVICE)
    if len(set(devices)) < len(numbers):
        raise InputError(f"{option} is {_short(text)}, it must be different numbers such as 0 or 0,1,2,3")
    return devices


def _number(text: str) -> int | None:
    """A number in plain digits; None for anything else, and for more digits than any option needs."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def existing(path: str, option: str) -> Path:
    """The absolute path of what an option names; InputError where it is not there."""
    found = Path(_expanded(path))
    if not os.path.exists(found):  # noqa: PTH110 - a name too long for any file is one that does not exist
        raise InputError(
            f"{option_name(option)} names something that does not exist", where=found, fix=NEXT_STEPS.get(option)
        )
    return found.absolute()


def bundle_folder(path: str, option: str) -> Path:
    """The folder of another run, whatever links lead to it: `latest` leads to this run as soon as it begins."""
    return Path(os.path.realpath(existing(path, option)))


def files_of_list(text: str | None, option: str) -> tuple[Path, ...]:
    """The files of a list `a,b`, or of a folder those with the option's suffix; a comma may stand in a name alone."""
    if not text:
        return ()
    words = [text] if os.path.exists(_expanded(text)) else text.split(",")  # noqa: PTH110 - as in existing
    if not all(word.strip() for word in words):
        raise InputError(
            f"{option_name(option)} is {_short(text)}, a name in it is empty", fix="write a,b without more commas"
        )
    named = [existing(word, option) for word in words]
    files = [file for place in named for file in (_in_folder(place, option) if place.is_dir() else [place])]
    if twice := next((file for file in files if files.count(file) > 1), None):
        raise InputError(f"{option_name(option)} names a file twice", where=twice)
    return tuple(files)


def _in_folder(folder: Path, option: str) -> list[Path]:
    found = sorted(folder.glob(f"*.{option}"))
    if not found:
        raise InputError(f"{option_name(option)} names a folder without any .{option} file", where=folder)
    return found


def _expanded(path: str) -> str:
    """With the home folder for `~`, as it is where that is nobody's."""
    return os.path.expanduser(path)  # noqa: PTH111 - pathlib's raises for a user who does not exist


def _short(text: str) -> str:
    """A value for a message that must stay one line to read."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}...")
