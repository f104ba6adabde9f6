#!/usr/bin/env bash
# Run a command of this checkout in a container, where the CI system has no containers of its own:
#
#   IMAGE=acceptance-cpu ci/in-container.sh make test
#   IMAGE=acceptance-ascend ARGS=ci/containers/ascend.args ci/in-container.sh ci/ascend.sh accuracy
#
# ARGS is a file of further words for `docker run`; ASCEND_DEVICE the number of the device (default 0). The suite's
# variables are handed on by name, so that no value of one is ever seen in a list of processes.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${IMAGE:-}" ] || [ $# -eq 0 ]; then
    echo "usage: IMAGE=NAME [ARGS=FILE] ci/in-container.sh COMMAND [WORD ...]" >&2
    exit 2
fi
device=${ASCEND_DEVICE:-0}
case $device in
*[!0-9]*)
    echo "ci/in-container.sh: ASCEND_DEVICE is the number of one device: '$device'" >&2
    exit 2
    ;;
esac

words=()
if [ -n "${ARGS:-}" ]; then
    while IFS= read -r word; do
        case $word in '' | '#'*) continue ;; esac
        words+=("${word//@/$device}")
    done < "$ARGS"
fi
for name in $(compgen -e); do
    # what begins like the suite's own is handed on too, so that the suite can refuse a misspelt one
    case $name in ACCEPT* | CHECKPOINTS | REQUIRE | PORTS | PIP_*INDEX_URL) words+=("--env=$name") ;; esac
done
# VENV and the user are the image's: it was built for the user who runs the jobs
exec docker run --rm --init "${words[@]}" --volume "$PWD:$PWD" --workdir "$PWD" "$IMAGE" "$@"
