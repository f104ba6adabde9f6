"""Shows one page in Chromium and waits for all of its processes: `python -m bench.browser PROGRAM PAGE PICTURE`.

The browser does not wait for its renderers, so their CPU time would be nobody's: as their new parent (Linux) this
process waits for them, and whoever started it is told of all that they took.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000")
PR_SET_CHILD_SUBREAPER = 36


def show(program: str, page: Path, picture: Path) -> None:
    """Take a picture of the page's window; RuntimeError where there is none."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot wait for the browser's own children")
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="profile-", ignore_cleanup_errors=True) as profile:
        argv = [program, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={picture}", page.absolute().as_uri()]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        with suppress(ChildProcessError):
            while True:
                os.wait()
    if not picture.exists():
        raise RuntimeError(f"{argv} left no picture")


if __name__ == "__main__":
    show(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
