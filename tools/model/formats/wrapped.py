"""From what a file holds to its state_dict: under which key it lies, and what stands before every name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.base.errors import CheckpointError
from tools.judge.handover import first_few
from tools.judge.spec import Checkpoint
from tools.model.formats.refusal import not_a_state_dict

if TYPE_CHECKING:
    import torch

    StateDict = Mapping[str, torch.Tensor]

DEEPEST = 3
METADATA = "_metadata"
"""Under this attribute torch keeps the version of every module beside a state_dict; older versions load otherwise."""


def state_dict_of(loaded: object, path: Path, published: Checkpoint) -> OrderedDict[str, torch.Tensor]:
    """The tensors by the network's names, in the file's order; CheckpointError that says where they lie instead."""
    weights = _below(loaded, path, published) if published.state_dict_key else loaded
    _require_tensors(weights, path, published)
    assert isinstance(weights, Mapping)
    found = OrderedDict((name, tensor.detach()) for name, tensor in weights.items())
    metadata = getattr(weights, METADATA, None)
    prefix = published.strip_prefix
    if prefix:
        found = _without(prefix, found, path)
        metadata = {
            name.removeprefix(prefix): value
            for name, value in (metadata or {}).items()
            if name.startswith(prefix) or not name
        }
    if metadata:
        setattr(found, METADATA, metadata)
    return found


def _below(loaded: object, path: Path, published: Checkpoint) -> object:
    """What lies under the port's key; a dot leads deeper, unless the name itself has one."""
    key = str(published.state_dict_key)
    place, rest = loaded, key
    while rest:
        names = [rest, *(rest[:end] for end in range(len(rest) - 1, 0, -1) if rest[end] == ".")]
        found = next((name for name in names if isinstance(place, Mapping) and name in place), None)
        if found is None:
            raise not_a_state_dict(path, f"the port says state_dict_key: {key}, {_has(place)}", _advice(loaded))
        assert isinstance(place, Mapping)
        place, rest = place[found], rest[len(found) + 1 :]
    return place


def _has(place: object) -> str:
    if isinstance(place, Mapping) and place and all(map(is_dense, place.values())):
        return f"but there are tensors already ({first_few([str(name) for name in place], 3)})"
    if isinstance(place, Mapping):
        return f"but there is {_entries(place)}"
    return f"but there is a {type(place).__name__}"


def _require_tensors(weights: object, path: Path, published: Checkpoint) -> None:
    if not isinstance(weights, Mapping) or not weights:
        empty = "nothing, " if isinstance(weights, Mapping) else ""
        raise not_a_state_dict(path, f"it holds {empty}a {type(weights).__name__}")
    odd = [(name, value) for name, value in weights.items() if not (isinstance(name, str) and is_dense(value))]
    if not odd:
        return
    places = dict(_places(weights))
    if places:
        above = f"{published.state_dict_key}." if published.state_dict_key else ""
        lie = " and ".join(f"`{above}{place}` ({count} tensors)" for place, count in places.items())
        tops = {place.partition(".")[0] for place in places}
        beside = {name: value for name, value in weights.items() if name not in places and name not in tops}
        reason = f"the weights lie under {lie}" + (f", beside them {_entries(beside)}" if beside else "")
        raise not_a_state_dict(path, reason, _write_key(f"{above}{place}" for place in places))
    raise _odd_entry(path, *odd[0])


def _odd_entry(path: Path, name: object, value: object) -> CheckpointError:
    import torch

    if (torch.is_tensor(value) and value.is_quantized) or "packed_params" in str(name):
        reason = f"the weights are quantised (entry {str(name)!r})"
        return not_a_state_dict(path, reason, "name the float32 checkpoint that they were made from")
    return not_a_state_dict(path, f"entry {str(name)!r} is not a named dense tensor ({_kind(value)})")


def _kind(value: object) -> str:
    import torch

    if not torch.is_tensor(value):
        return type(value).__name__
    if value.is_meta:
        return "a tensor without memory"
    return "a tensor" if value.layout is torch.strided else f"a tensor, {str(value.layout).removeprefix('torch.')}"


def _advice(loaded: object) -> str:
    if isinstance(loaded, Mapping) and loaded and all(map(is_dense, loaded.values())):
        return "the file is a plain state_dict: drop `state_dict_key` from the port"
    places = dict(_places(loaded))
    return _write_key(places) if places else "name the key of the weights in the port"


def _write_key(places: Iterator[str] | Mapping[str, int]) -> str:
    choice = " or ".join(f"`state_dict_key: {place}`" for place in places)
    return f"write {choice} into the port"


def _places(loaded: object, above: str = "", depth: int = DEEPEST) -> Iterator[tuple[str, int]]:
    """Where state_dicts lie, as keys with dots, and how many tensors each has."""
    if not isinstance(loaded, Mapping) or not depth:
        return
    for name, value in loaded.items():
        if not isinstance(value, Mapping) or not value or not isinstance(name, str):
            continue
        if all(isinstance(inner, str) and is_dense(tensor) for inner, tensor in value.items()):
            yield f"{above}{name}", len(value)
        else:
            yield from _places(value, f"{above}{name}.", depth - 1)


def _entries(mapping: Mapping[object, object]) -> str:
    return first_few([f"{str(name)[:40]} ({type(value).__name__})" for name, value in mapping.items()]) or "nothing"


def _without(prefix: str, weights: StateDict, path: Path) -> OrderedDict[str, torch.Tensor]:
    """The tensors without a beginning that each of their names has."""
    odd = [name for name in weights if not name.startswith(prefix) or name == prefix]
    if len(odd) == len(weights):
        fix = "drop `strip_prefix` from the port, or correct it"
        reason = f"the port says strip_prefix: {prefix}, with which no name begins ({first_few(odd, 3)})"
        raise not_a_state_dict(path, reason, fix)
    if odd:
        reason = f"{len(odd)} of {len(weights)} names do not begin with the port's strip_prefix {prefix}"
        raise not_a_state_dict(path, f"{reason}: {first_few(odd)}", "drop `strip_prefix` from the port, or correct it")
    if all(name.startswith(f"{prefix}.") for name in weights):
        reason = f"after the port's strip_prefix {prefix} every name begins with a dot"
        raise not_a_state_dict(path, reason, f"write `strip_prefix: {prefix}.` into the port")
    return OrderedDict((name.removeprefix(prefix), tensor) for name, tensor in weights.items())


def is_dense(value: object) -> bool:
    """A tensor whose elements can be looked at: not sparse, quantised or without memory."""
    import torch

    return torch.is_tensor(value) and value.layout is torch.strided and not (value.is_quantized or value.is_meta)
