"""How the simulated atc refuses: the vendor's code and text."""

from __future__ import annotations


class AtcError(Exception):
    """A refusal: `code` and the text as in the vendor's error tables."""

    def __init__(self, code: str, text: str, cause: str = "", solution: str = "") -> None:
        self.code, self.text, self.cause, self.solution = code, text, cause, solution
        super().__init__(f"{code}: {text}")


def invalid(name: str, value: str, reason: str, code: str = "E10001") -> AtcError:
    """A value that a parameter cannot have."""
    return AtcError(code, f"Value [{value}] for parameter [--{name}] is invalid. Reason: {reason}")


def not_simulated(what: str) -> AtcError:
    """Something that the vendor's tool does and the simulator does not; no vendor code fits, so it is the inner one."""
    return AtcError("E19999", f"The simulator does not simulate {what}.")
