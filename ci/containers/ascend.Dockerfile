# One port on one NPU, for x86_64 and aarch64 (build it on the architecture of the runner):
#   docker build -f ci/containers/ascend.Dockerfile -t acceptance-ascend --build-arg JOB_UID="$(id -u)" \
#       --build-arg HWHIAIUSER_GID="$(stat -c %g /dev/davinci0)" .
# CANN's public image: quay.io/ascend/cann, ascendai/cann on Docker Hub, swr.cn-south-1.myhuaweicloud.com/ascendhub/cann.
# Tags are <CANN>-<chip>-<os>-py<version>; chips 310p, 910b, a3, with CANN 8.2 to 9.0 also 910, from 9.0 also 950; there is
# none for a 310 or a 310B (install CANN there, or build an image from its packages). py3.11 is the newest that ais_bench
# takes and the oldest that this suite takes. Written from these published names, built by nobody yet; pin its digest.
ARG CANN=8.3.rc2-310p-ubuntu22.04-py3.11
FROM quay.io/ascend/cann:${CANN}

SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=DL3066
USER root

# hadolint ignore=DL3008,DL3040,DL3041
RUN if command -v apt-get; then \
        apt-get update && apt-get install --yes --no-install-recommends git make && rm -rf /var/lib/apt/lists/*; \
    else \
        dnf install --assumeyes git make && dnf clean all; \
    fi

# ais_bench and aclruntime, in the image's own Python, which atc's operator compiler uses too: CANN 8.0 and 8.1 need its
# numpy below 2. Neither is on a package index, and no digest of these files is published: add #sha256=… to what came.
ARG AIS_BENCH=https://aisbench.obs.myhuaweicloud.com/packet/ais_bench_infer/0.0.2/ait
ARG NUMPY="numpy<2"
# hadolint ignore=DL3013
RUN python3 -m pip install --no-cache-dir "$NUMPY" \
    "$AIS_BENCH/aclruntime-0.0.2-cp311-cp311-linux_$(uname -m).whl" "$AIS_BENCH/ais_bench-0.0.2-py3-none-any.whl"

# the user of the jobs: in the group that owns /dev/davinci* on the host, and with the number of the checkout's owner
# (not named UID, which bash keeps for itself)
ARG JOB_UID=1000
ARG HWHIAIUSER_GID=1000
RUN (getent group HwHiAiUser || groupadd --gid "$HWHIAIUSER_GID" HwHiAiUser) \
    && (getent passwd "$JOB_UID" || useradd --create-home --uid "$JOB_UID" judge) \
    && usermod --append --groups HwHiAiUser "$(getent passwd "$JOB_UID" | cut -d: -f1)"

# torch's own index has it without CUDA, for both architectures; pip takes 2.x+cpu before 2.x
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_EXTRA_INDEX_URL=$TORCH_INDEX \
    VENV=/opt/acceptance/venv

# the suite's libraries, apart from the image's: its numpy is 2, and it is never on PATH (ci/ascend.sh)
WORKDIR /opt/acceptance/suite
COPY Makefile pyproject.toml requirements.txt ./
COPY fixtures/installed fixtures/installed
RUN chown --recursive "$JOB_UID" /opt/acceptance
USER $JOB_UID
RUN make venv
