# Commands of this project; continuous integration calls the same targets.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= 2
BIN     := $(VENV)/bin
PIP      = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Percentage of the kernels' branches that the tests without the compiler must take.
KERNEL_BRANCHES := 95
# Kernels for lanes are not run by Python. Tests compare them with the other kernels, bit by bit.
COMPILED_ONLY := harness/kernels/_cache.py,harness/kernels/_jit.py,harness/kernels/lane*.py,harness/kernels/machine_code.py,harness/kernels/simd/memory.py,harness/kernels/simd/rows.py,harness/kernels/simd/writing.py

FUZZED := files_of_experiments mappings changes csv_files conditions results_folders

.DEFAULT_GOAL := help
.PHONY: help sweep test test-peers torture fuzz bench bench-c docs landmarks capacity format clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-17s %s\n", $$1, $$2 }'

sweep: $(VENV)/.installed  ## train experiments/dosage.toml and show the results
	@$(BIN)/harness run experiments/dosage.toml

test: $(VENV)/.installed-test  ## check style, types and architecture; run tests with and without the compiler
	@echo "== style"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@echo "== types"
	@$(BIN)/mypy
	@echo "== architecture"
	@$(BIN)/lint-imports
	@echo "== tests"
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --benchmark-disable
	@echo "== tests without the compiler"
	@NUMBA_DISABLE_JIT=1 $(BIN)/python -m coverage run -m pytest -q -p no:xdist --benchmark-disable -m jitless tests/unit
	@$(BIN)/python -m coverage report --include='harness/kernels/*' --omit='$(COMPILED_ONLY)' --fail-under=$(KERNEL_BRANCHES)

test-peers: $(VENV)/.installed-test  ## compare optimisers and schedules with PyTorch, which it installs
	@$(PIP) --editable '.[peers]'
	@$(BIN)/python -m pytest -q -p no:xdist --benchmark-disable tests/peers

torture: $(VENV)/.installed-test  ## test that results survive kills, full disks, flipped bits and failures; takes hours
	@HARNESS_TORTURE=1 $(BIN)/python -m pytest -q tests/faults

fuzz: $(VENV)/.installed-test  ## read a hundred thousand mutated files, arguments and folders
	@# One process per target, because Hypothesis keeps all tried examples in memory.
	@for target in $(FUZZED); do \
		HARNESS_FUZZ=100000 $(BIN)/python -m pytest -q -s -p no:xdist tests/fuzz -k $$target || exit 1; \
	done

bench: $(VENV)/.installed  ## compare the speed with NumPy, Numba, JAX and PyTorch; takes minutes
	@$(PIP) --editable '.[peers]'
	@$(BIN)/harness bench

bench-c: $(VENV)/.installed-test  ## compare the speed with C, if gcc is installed
	@$(BIN)/python tests/benchmarks/against_c.py

docs: $(VENV)/.installed-test  ## write the schema, train the examples of the README and the notebook, and update their outputs
	@$(BIN)/python -m tools.json_schema
	@$(BIN)/python -m tools.readme
	@$(BIN)/harness plot results/dosage endings -o docs/images/dosage.png
	@$(BIN)/python -m tools.notebook

landmarks: $(VENV)/.installed-test  ## train the landmarks and write docs/landmarks; takes more than an hour
	@$(BIN)/python -m experiments.landmarks

capacity: $(VENV)/.installed-test  ## measure the cost of a chunk on a cluster and write docs/capacity.md
	@$(BIN)/python -m tools.capacity

format: $(VENV)/.installed-test  ## format the code
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

clean:  ## remove the environment, caches and build leftovers; results stay
	@rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .benchmarks
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(error) prints one line and ends make with status 2.
define need_python
$(if $(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),,$(error \
harness needs Python 3.11 or newer, and $(PYTHON) is $(or $(shell $(PYTHON) -V 2>/dev/null),not installed); name another: make PYTHON=python3.12))
endef

$(BIN)/python:
	$(need_python)
	@echo "== creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 2; }  # or half an environment would pass for a whole one

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "== installing harness into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "== installing harness and its tests into $(VENV)"
	@$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed
