"""Tensors as the vendor's extension module hands them out; they never leave the host, but say where they would be."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

HOST = -1
DTYPES = {
    "float32": 0, "float16": 1, "int8": 2, "int32": 3, "uint8": 4, "int16": 6,
    "uint16": 7, "uint32": 8, "int64": 9, "uint64": 10, "float64": 11, "bool": 12,
}  # fmt: skip


@dataclass(frozen=True)
class TensorDesc:
    """An input or output of the model; `size` and `realsize` are bytes, batch included."""

    name: str
    datatype: int
    format: int
    shape: list[int]
    size: int
    realsize: int


@dataclass
class BaseTensor:
    """A raw address and a number of bytes: what the tool makes of a numpy array without copying it."""

    buf: int
    size: int

    def content(self) -> bytes:
        """The bytes at the address."""
        return ctypes.string_at(self.buf, self.size)


class MemorySummary:
    """Times of the copies to and from the device in ms; one list for the process, as in the vendor's module."""

    H2D_time_list: list[float] = []  # noqa: RUF012  shared on purpose: the vendor's object is a singleton
    D2H_time_list: list[float] = []  # noqa: RUF012

    def reset(self) -> None:
        """Forget all times."""
        self.H2D_time_list.clear()
        self.D2H_time_list.clear()


class Tensor:
    """An array that is on the host or, in name only, on a device; numpy may read it on the host only."""

    def __init__(self, array: npt.NDArray[Any], device: int = HOST) -> None:
        self._array = np.array(array, order="C")
        self.device = device

    @property
    def shape(self) -> list[int]:
        """Sizes of all axes."""
        return list(self._array.shape)

    @property
    def dtype(self) -> int:
        """The vendor's code of the element type."""
        return DTYPES[str(self._array.dtype)]

    @property
    def type(self) -> str:
        """Where the memory lies."""
        return "memory_host" if self.device == HOST else "memory_device"

    def content(self) -> bytes:
        """The bytes, wherever the tensor is said to be."""
        return self._array.tobytes()

    def to_device(self, device_id: int) -> None:
        """Move to a device."""
        MemorySummary.H2D_time_list.append(copy_ms(self._array.nbytes))
        self.device = device_id

    def to_dvpp(self, device_id: int) -> None:
        """Move to the image unit's memory of a device."""
        self.to_device(device_id)

    def to_host(self) -> None:
        """Move to the host."""
        if self.device != HOST:
            MemorySummary.D2H_time_list.append(copy_ms(self._array.nbytes))
        self.device = HOST

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """What numpy reads; the vendor's module offers the buffer protocol instead."""
        if self.device != HOST:
            raise RuntimeError("tensor is in npu. can't convert to numpy array")
        return self._array.astype(self._array.dtype if dtype is None else dtype, copy=copy is not False)


def copy_ms(nbytes: int) -> float:
    """An invented time for a copy between host and device: 20 microseconds and 8 GB/s."""
    return 0.02 + nbytes / 8e6
