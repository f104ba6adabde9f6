"""The offline judge: does the evidence in a bundle carry the verdict that is written on it?

    python tools/verify_bundle.py BUNDLE [BUNDLE ...] [--require WORD] [--port PORT.json] [--run-id ID]
        [--not-before UTC] [--allowed-signers FILE [--signer IDENTITY]]

It needs nothing but Python 3.8 or newer (`python -S -I tools/verify_bundle.py build/evidence/latest`) and runs the very
judge that the run itself used (tools/judge/). `make judge` packs that into one file, to be kept beside the evidence.

Exit status: 0 to 2 as tools/judge/verify.py says; 3 when this Python is too old to judge anything.
"""

import os
import sys

OLDEST = (3, 8)
TOO_OLD = 3


def main():  # type: ignore[no-untyped-def] # noqa: ANN201 - a Python that is too old must be able to read this
    """Judge, or say in one line why this Python cannot."""
    if sys.version_info[:2] < OLDEST:
        sys.stderr.write("error: this needs Python 3.8 or newer, this is %d.%d\n" % sys.version_info[:2])  # noqa: UP031
        return TOO_OLD
    if __package__ in (None, ""):  # run as a file: import the suite from the repository root, not from tools/
        sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]  # noqa: PTH100, PTH120
    from tools.judge.verify import main as judge

    return judge()


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[no-untyped-call]
