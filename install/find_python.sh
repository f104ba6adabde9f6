#!/bin/sh
# Prints the first Python that can run the suite: 3.11 to 3.14, with what makes a virtual environment, on a C library
# that torch's wheels run on. With an argument, that one is looked at and no other. Says on stderr what is missing.
LOOK='
import os, sys
version = "%d.%d" % sys.version_info[:2]
def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""
def lack():
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        return "is Python " + version
    try:
        import venv, ensurepip
    except ImportError:
        return "has no venv or no ensurepip (Debian and Ubuntu: apt install python" + version + "-venv)"
    name, _, number = libc().partition(" ")
    if name == "glibc" and tuple(map(int, number.split(".")[:2])) < (2, 28):
        return "runs on glibc " + number + ", torch needs 2.28 or newer: use a container of a newer system"
    return ""
print(lack() or "fits")
'
missing=
names=${1:-python3.11 python3.12 python3.13 python3.14 python3}
for python in $names; do
    if ! said=$("$python" -c "$LOOK" 2>/dev/null); then
        command -v "$python" >/dev/null 2>&1 && missing="$missing; $python is there and does not run"
        continue
    fi
    [ "$said" = fits ] && printf '%s\n' "$python" && exit 0
    missing="$missing; $python $said"
done
printf 'error: no Python 3.11 to 3.14 that can run the suite%s. Install one, or name it: make PYTHON=/path/to/python3\n' \
    "${missing:-; not on PATH: $names}" >&2
exit 2
