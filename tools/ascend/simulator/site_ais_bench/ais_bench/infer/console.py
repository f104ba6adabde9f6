"""Lines on stdout with ais_bench's prefixes."""

from __future__ import annotations

from typing import NoReturn


def info(text: str) -> None:
    """An [INFO] line."""
    print(f"[INFO] {text}", flush=True)


def fail(text: str) -> NoReturn:
    """An [ERROR] line and the empty RuntimeError that the tool raises after it."""
    print(f"[ERROR] {text}", flush=True)
    raise RuntimeError
