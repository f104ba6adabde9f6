# make accept: the whole acceptance on the embedded sample      make test: lint, types and the suite's own tests
# Another interpreter for .venv than the one that is found: make PYTHON=/opt/python3.12/bin/python3.12
PYTHON ?=
# Where torch for the CPU is looked for first (install/torch_of_cpu.py); empty: at no other place than pip's own
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
VENV ?= .venv
BIN := $(VENV)/bin
# hundreds of short processes run the same code: what one has compiled the others read
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help venv accept test judge faults long bench bench-scale kills fuzz mutants flaky classifiers diagnosis nightly clean

help:
	@echo "make accept   set up $(VENV) and run the acceptance on the embedded sample"
	@echo "make test     set up the development tools, then ruff, mypy and selftest/"
	@echo "make venv     set up $(VENV) with what the suite needs, and nothing else"
	@echo "make judge    pack the offline judge into build/verify_bundle.pyz: one file that needs nothing but Python 3.8"
	@echo "make faults   inject every fault of the catalogue and print the table: fault, gate, message"
	@echo "make long     the tests that make test leaves out (marked nightly) and that are no faults"
	@echo "make nightly  faults, long, then kills, fuzz, mutants, flaky, classifiers and diagnosis: campaigns of about an hour each, each also a target"
	@echo "make bench    measure the suite's own speed against the guide's scripts, as ratios (docs/speed.md)"
	@echo "make clean    remove build/ (artifacts, results) and $(VENV)"

venv: $(VENV)/suite.stamp

accept: $(VENV)/suite.stamp
	@echo "== acceptance on the embedded sample; artifacts and results are kept in build/"
	$(BIN)/python -m pytest --sample
	@echo "== results: build/evidence/latest/report.html, build/evidence/latest/results.md"

test: $(VENV)/dev.stamp
	@echo "== lint"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "== types"
	$(BIN)/mypy
	@echo "== the suite's own tests"
	$(BIN)/python -m pytest selftest -m "not nightly" -q -n 2 --dist worksteal --durations=15

long: $(VENV)/nightly.stamp
	$(BIN)/python -m pytest selftest --ignore=selftest/faults -m nightly -q -n 2 --dist worksteal

judge:
	$(or $(PYTHON),python3) tools/pack_judge.py

faults: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.faults

kills: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.kills --kills 200

fuzz: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.fuzz --cases 1000000

mutants: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.mutants

flaky: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.flaky --runs 50 --below-seconds 0.5

classifiers: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.classifiers
	$(BIN)/python -m selftest.campaigns.classifiers --ports

diagnosis: $(VENV)/nightly.stamp
	$(BIN)/python -m selftest.campaigns.diagnosis

nightly: faults long kills fuzz mutants flaky classifiers diagnosis

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench
	$(BIN)/python -m bench.workers

bench-scale: $(VENV)/dev.stamp
	$(BIN)/python -m bench.scale --images 50000

$(VENV)/bin/python:
	@python=$$(sh install/find_python.sh $(PYTHON)) || exit; \
	echo "== virtual environment in $(VENV), of $$python"; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/suite.stamp: requirements.txt pyproject.toml | $(VENV)/bin/python
	@rm -rf npu_port_acceptance.egg-info  # of an earlier layout: pytest would look for its plugin
	@echo "== requirements.txt"
	@$(BIN)/python install/torch_of_cpu.py requirements.txt "$(TORCH_INDEX)"
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/suite.stamp
	@echo "== requirements-dev.txt"
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/nightly.stamp: requirements-nightly.txt $(VENV)/dev.stamp
	@echo "== requirements-nightly.txt"
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-nightly.txt
	@touch $@

clean:
	rm -rf build $(VENV)
