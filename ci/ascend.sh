#!/usr/bin/env bash
# What CI does with a device, one command a step; every template in ci/ calls these and has no commands of its own:
#
#   ci/ascend.sh matrix github | gitlab | lines     the jobs, one for each port of PORTS and chip
#   ci/ascend.sh setup; … accuracy; … perf; … verify     one such job, in one checkout
#   ci/ascend.sh all     every port of PORTS one after the other, where a CI system has no matrix
#
# accuracy and perf share one checkout and cache because they must use the same OMs: atc does not make the same bytes
# twice. What is judged is said by the suite's own variables (README.md), such as ACCEPTANCE_PORT, ACCEPTANCE_SOC,
# ACCEPTANCE_IMAGENET and ACCEPTANCE_CACHE, and by these:
#
#   PORTS        of `matrix` and `all`: names and files, with blanks or line ends between them (default: alexnet)
#   CHECKPOINTS  folder of checkpoints by the file names of their ports; what is missing is downloaded to it
#   REQUIRE      the weakest word that passes (default: ACCEPTED)
#   VENV         the suite's environment (default: .venv)
#
# build/ci/<port>-<chip>/ then holds accuracy-job/ and perf-job/ (the evidence), perf.json, port.json and what was
# printed; `all` leaves build/ci/ as tools/accept_ports.py does.
set -euo pipefail
cd "$(dirname "$0")/.."

export VENV=${VENV:-.venv} # make takes it too
python=$VENV/bin/python
require=${REQUIRE:-ACCEPTED}
export ACCEPTANCE_PORT=${ACCEPTANCE_PORT:-alexnet}
export ACCEPTANCE_TARGET=${ACCEPTANCE_TARGET:-ascend} # never the simulator, unless somebody says so
if [ -z "${ACCEPTANCE_SOC:-}" ]; then unset ACCEPTANCE_SOC; fi # an empty cell of a matrix

job=${ACCEPTANCE_PORT%.yaml}${ACCEPTANCE_SOC:+-$ACCEPTANCE_SOC}
out=build/ci/$(printf %s "$job" | tr -c 'A-Za-z0-9._-' _)

refuse() {
    echo "ci/ascend.sh: $1" >&2
    exit 2
}

# The words of PORTS in `ports`. They may come from a form: they are split at blanks and at line ends, whose every line
# counts, and nothing else is made of them.
read_ports() {
    IFS=$' \t\r\n' read -r -d '' -a ports <<< "${PORTS:-alexnet}" || true # it ends with the text, not with a NUL
    if [ "${#ports[@]}" -eq 0 ]; then refuse "PORTS names no port"; fi
    for port in "${ports[@]}"; do
        case $port in -*) refuse "PORTS: '$port' is an option, not a port" ;; *) ;; esac
    done
}

# Put atc on PATH, as a login shell of CANN's images would. The suite's own Python is never put there: atc's operator
# compiler takes its Python from PATH, and wants another numpy.
toolkit() {
    if command -v atc > /dev/null; then return; fi
    for folder in /usr/local/Ascend/cann /usr/local/Ascend/ascend-toolkit; do
        if [ -r "$folder/set_env.sh" ]; then
            set +u
            # shellcheck source=/dev/null
            . "$folder/set_env.sh"
            set -u
            return
        fi
    done
}

# The file in CHECKPOINTS that a port names.
checkpoint() {
    local file
    file=$(
        "$python" tools/show_port.py "$1" --json |
            "$python" -c 'import json, sys; print(json.load(sys.stdin)["checkpoint"]["file"])'
    ) || return
    echo "$CHECKPOINTS/$file"
}

# Download a port's checkpoint to CHECKPOINTS where it is not there; the suite checks its digest either way.
fetch() {
    local file
    if [ -z "${CHECKPOINTS:-}" ]; then return; fi
    file=$(checkpoint "$1") || return
    if [ ! -e "$file" ]; then "$python" tools/fetch_checkpoint.py --port "$1" "$file"; fi
}

matrix() {
    read_ports
    make venv >&2
    local listed
    listed=$("$python" tools/accept_ports.py "${ports[@]}" --list-json ${ACCEPTANCE_SOC:+-- "--soc=$ACCEPTANCE_SOC"})
    "$python" ci/matrix.py "$@" <<< "$listed"
}

setup() {
    case $out in build/ci/ | build/ci/. | build/ci/..) refuse "ACCEPTANCE_PORT is no port: '$ACCEPTANCE_PORT'" ;; *) ;; esac
    rm -rf -- "$out" # nothing of an earlier job may stand beside the evidence of this one
    mkdir -p "$out"
    date -u +%Y-%m-%dT%H:%M:%SZ > "$out/started"
    # a runner's label says nothing of its driver and chip
    if command -v npu-smi > /dev/null; then npu-smi info | tee "$out/npu-smi.txt"; fi
    make venv
    "$python" tools/show_port.py "$ACCEPTANCE_PORT" --json > "$out/port.json"
    fetch "$ACCEPTANCE_PORT"
}

prepared() {
    if [ ! -s "$out/started" ]; then refuse "$out/started is not there: run setup first"; fi
}

# The suite with these words; what it prints is kept as $1.log.
suite() {
    local name=$1
    shift
    prepared
    toolkit
    if [ -n "${CHECKPOINTS:-}" ]; then
        ACCEPTANCE_CHECKPOINT=$(checkpoint "$ACCEPTANCE_PORT")
        export ACCEPTANCE_CHECKPOINT
    fi
    "$python" -m pytest "$@" 2>&1 | tee "$out/$name.log"
}

# The port of this checkout is what must have been judged, and no bundle from before this job counts.
verify() {
    prepared
    "$python" -S -I tools/verify_bundle.py "$out/accuracy-job" "$out/perf-job" \
        --require "$require" --port "$out/port.json" --not-before "$(cat "$out/started")"
}

all() {
    read_ports
    toolkit
    make venv
    for port in "${ports[@]}"; do
        fetch "$port" || echo "ci/ascend.sh: no checkpoint of $port: its row says why" >&2
    done
    unset ACCEPTANCE_PORT # each is given its own
    "$python" tools/accept_ports.py "${ports[@]}" --out build/ci --require "$require" \
        ${CHECKPOINTS:+--checkpoints "$CHECKPOINTS"}
}

case ${1:-} in
matrix) matrix "${@:2}" ;;
setup) setup ;;
accuracy) suite accuracy -m accuracy --evidence "$out/accuracy-job" ;;
perf) suite perf -m perf --evidence "$out/perf-job" --benchmark-json="$out/perf.json" ;;
verify) verify ;;
all) all ;;
*) refuse "usage: ci/ascend.sh matrix FORM | setup | accuracy | perf | verify | all" ;;
esac
