"""What torch.save wrote, read without running code: `weights_only` is always true, and no advice says otherwise."""

from __future__ import annotations

import contextlib
import pickle
import re
import struct
from collections.abc import Sequence

from tools.base.errors import CheckpointError
from tools.judge.spec import Checkpoint
from tools.model.formats.refusal import PLAIN, not_a_state_dict
from tools.model.formats.sealed import Sealed

DAMAGE = (
    *(pickle.UnpicklingError, struct.error, RuntimeError, EOFError, ValueError, LookupError),
    *(AssertionError, AttributeError, TypeError, MemoryError),
)
"""What torch's reader of state_dicts raises on damaged bytes, found by feeding it some."""
NUMPY_SCALAR = re.compile(r"numpy\.(?:_core|core)\.multiarray\.scalar")
NUMPY = re.compile(r"numpy\.dtype|numpy\.dtypes\.\w+")
HARMLESS = ("argparse.Namespace",)
OFTEN = ("argparse.Namespace", "numpy._core.multiarray.scalar")
MOST_NAMED = 4


def read_torch(content: Sealed, published: Checkpoint, *, as_stored: bool) -> object:
    """The object in the file; CheckpointError for damage, and for whatever only code could make again.

    `as_stored` says that tensors stand in the file byte by byte and can be mapped: of a compressed record, and of the
    format before torch 1.6, a map would be noise.
    """
    import torch

    try:
        return torch.load(content.place, map_location="cpu", weights_only=True, mmap=as_stored)
    except DAMAGE as error:
        names = refused_globals(content, error)
        if names:
            raise _asks_for_code(content, names, published, all_named=as_stored) from error
        raise not_a_state_dict(content.path, _reason(error), "download or save it again") from error


def refused_globals(content: Sealed, error: BaseException) -> list[str]:
    """The classes and functions that the pickle asks for and that torch does not take for plain data."""
    import torch

    named = re.findall(r"GLOBAL ([\w.]+)", str(error))
    with contextlib.suppress(*DAMAGE):  # it cannot look through the older format
        named += torch.serialization.get_unsafe_globals_in_checkpoint(content.place)
    return list(dict.fromkeys(named))


def _asks_for_code(content: Sealed, names: Sequence[str], published: Checkpoint, *, all_named: bool) -> CheckpointError:
    """The refusal; `all_named` unless the format lets torch name the first only."""
    shown = ", ".join(names[:MOST_NAMED]) + (f", … {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    if all(name in HARMLESS or NUMPY_SCALAR.fullmatch(name) or NUMPY.fullmatch(name) for name in names):
        reason = f"beside tensors it holds {shown}, which is refused"
        allowed = names if all_named else [*names, *OFTEN]
        fix = (
            f"write the weights alone, once, in an environment where you trust the file: {_rewrite(allowed, published)}"
        )
        return not_a_state_dict(content.path, reason, fix)
    by_author = f"its author's code can {PLAIN}, in an environment where you trust the file"
    if any(re.match(r"torch\.nn\.|torchvision\.models\.|timm\.|(\w+\.)*models?\.", name) for name in names):
        return not_a_state_dict(
            content.path, f"it is a whole pickled model, which is code ({shown} is refused)", by_author
        )
    return not_a_state_dict(content.path, f"its pickle asks for {shown}, which would be code and is refused", by_author)


def _rewrite(names: Sequence[str], published: Checkpoint) -> str:
    """The command that writes the weights of a file alone, which allows the harmless names that it needs by name."""
    names = list(dict.fromkeys(names))
    scalars = [name for name in names if NUMPY_SCALAR.fullmatch(name)]
    allowed = [name for name in names if name in HARMLESS]
    if any(name.startswith("numpy.") for name in names):
        allowed += [f"(numpy._core.multiarray.scalar, '{name}')" for name in scalars]
        allowed += ["numpy.dtype", *(f"type(numpy.dtype('{code}'))" for code in ("f8", "f4", "i8"))]
    modules = ["torch", *sorted({name.partition(".")[0] for name in names})]
    key = "".join(f"['{part}']" for part in (published.state_dict_key or "state_dict").split("."))
    return (
        f'python -c "import {", ".join(modules)}; torch.serialization.add_safe_globals([{", ".join(allowed)}]); '
        f"torch.save(torch.load('{published.file}', map_location='cpu'){key}, 'plain.pth')\""
    )


def _reason(error: BaseException) -> str:
    """The first line of what torch says, without its advice."""
    text = str(error)
    _, _, inner = text.partition("WeightsUnpickler error:")
    lines = [line.strip() for line in (inner or text).splitlines() if line.strip()]
    first = lines[0] if lines else ""
    if not first or "weights_only" in first:
        return f"damaged or cut short ({type(error).__name__})"
    return f"damaged or cut short ({first})"
