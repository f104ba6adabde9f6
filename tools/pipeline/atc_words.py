"""What a port asks of atc beyond the suite's own flags, each file that it names in a place whose path atc can take."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tools.ascend.atc import named_files
from tools.base.errors import OmError, reason
from tools.base.files import sha256_of
from tools.base.reading import small_file
from tools.judge import ids
from tools.judge.aipp import MOST_BYTES, aipp_text, file_name
from tools.judge.atc_flags import FILES
from tools.judge.facts import AippFacts
from tools.judge.spec import AIPP_FLAG
from tools.pipeline.context import Context
from tools.pipeline.once import once
from tools.ports.document import MAX_SPEC_BYTES
from tools.store.artifacts import Recipe


class AtcWords:
    """The port's words, and the AIPP file where the chip normalises."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @once
    def aipp(self) -> AippFacts:
        """The AIPP file: written from the recipe, or the one beside the port; OmError where that cannot be read."""
        recipe = self._context.spec.preprocessing
        if recipe.aipp is None or recipe.aipp.file is None:
            return self._context.staging.put(AippFacts(aipp_text(recipe)), "aipp")
        path = self._context.inputs.port.parent / recipe.aipp.file
        try:
            text = small_file(path, MOST_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise OmError(f"the AIPP file cannot be read: {reason(error)}", gate=ids.OM_AIPP, where=path) from error
        return self._context.staging.put(AippFacts(text), "aipp")

    @once
    def words(self) -> tuple[str, ...]:
        """What the port asks of atc beyond the suite's own flags, the AIPP file in the store among it."""
        spec = self._context.spec
        words = tuple(map(self._with_file, spec.om.atc_extra_args))
        if spec.preprocessing.aipp is None:
            return words
        text = self.aipp().text
        name, recipe = file_name(text), Recipe("aipp", {"text": text})
        made = self._context.build(recipe, lambda folder: _write(folder / name, text.encode()))
        return (*words, f"{AIPP_FLAG}={made.path / name}")

    def _with_file(self, word: str) -> str:
        """A flag as atc gets it: a file beside the port is copied into the store, whose path every tool can take."""
        flag, name = word.partition("=")[::2]
        if flag not in FILES:
            return word
        path = self._context.inputs.port.parent / name
        try:
            content = small_file(path, MAX_SPEC_BYTES)
        except OSError as error:
            gate = ids.OM_COMPILED.at(self._context.spec.batches[0])
            raise OmError(f"the file of {flag} cannot be read: {reason(error)}", gate=gate, where=path) from error
        recipe = Recipe("atc-file", {"name": name, "sha256": hashlib.sha256(content).hexdigest()})
        made = self._context.build(recipe, lambda folder: _write(folder / name, content))
        return f"{flag}={made.path / name}"

    def about(self) -> dict[str, str]:
        """What an OM depends on of them: not where a file lies, but what is in it."""
        asked, files = self._context.spec, named_files(self.words())
        return {
            "extra args": repr(asked.om.atc_extra_args),
            "files of extra args": repr({role: sha256_of(path) for role, path in files.items()}),
            **({} if asked.preprocessing.aipp is None else {"aipp": self.aipp().text}),
        }


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
