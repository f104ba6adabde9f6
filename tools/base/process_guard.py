"""The first of a tool's process group: it waits for the suite, and ends the whole group when the suite is no more.

Run by process.py with the reading end of a pipe as stdin. A suite that is killed (SIGKILL, out of memory) can end
nobody; the kernel closes its end of the pipe, and so no tool holds a device for hours that nobody waits for.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Outlive the group's SIGTERM, which is meant for the tool; kill all of it when stdin ends.

    Refused in somebody else's group, which would be killed: the shell's, or that of a test run.
    """
    if os.getpgrp() != os.getpid():
        sys.exit("error: this is no command; tools/base/process.py starts it as the first of a tool's process group")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
