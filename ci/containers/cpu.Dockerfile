# The suite's own tests and the sample, on any machine (x86_64 and aarch64):
#   docker build -f ci/containers/cpu.Dockerfile -t acceptance-cpu --build-arg JOB_UID="$(id -u)" .
# The tag is not pinned by a digest, which differs by mirror: pin it once pulled (docker image inspect, RepoDigests).
FROM python:3.11-slim-bookworm

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

# the user of the jobs: its number is that of the user who owns the checkout, or nothing could be written there
ARG JOB_UID=1000
RUN useradd --create-home --uid "$JOB_UID" judge

# torch's own index has it without CUDA, for both architectures; pip takes 2.x+cpu before 2.x
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_EXTRA_INDEX_URL=$TORCH_INDEX \
    VENV=/opt/acceptance/venv

# what the libraries need and no more: a job's own checkout takes the place of this one (`make venv`, seconds)
WORKDIR /opt/acceptance/suite
COPY Makefile pyproject.toml requirements.txt requirements-dev.txt ./
COPY fixtures/installed fixtures/installed
RUN chown --recursive "$JOB_UID" /opt/acceptance
USER $JOB_UID
RUN make "$VENV/dev.stamp"
