# The habits of this project; continuous integration calls the same targets.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= 2
BIN     := $(VENV)/bin
PIP      = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Branches of the kernels that the tests without the compiler have to take, in per cent.
KERNEL_BRANCHES := 95
# Lanes are machine code alone: they are held against the other kernels, bit by bit.
COMPILED_ONLY := harness/kernels/_cache.py,harness/kernels/_jit.py,harness/kernels/lane*.py,harness/kernels/simd/lanes.py,harness/kernels/simd/memory.py,harness/kernels/simd/parts.py

FUZZED := files_of_experiments mappings changes csv_files conditions results_folders

.DEFAULT_GOAL := help
.PHONY: help sweep test torture fuzz bench bench-c docs landmarks capacity format clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-17s %s\n", $$1, $$2 }'

sweep: $(VENV)/.installed  ## train experiments/dosage.toml and show what came out
	@$(BIN)/harness run experiments/dosage.toml

test: $(VENV)/.installed-test  ## style, types, architecture, tests, tests without the compiler
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

torture: $(VENV)/.installed-test  ## kill, fill, flip and fail for minutes, and see that results survive
	@HARNESS_TORTURE=1 $(BIN)/python -m pytest -q tests/faults

fuzz: $(VENV)/.installed-test  ## read a hundred thousand mutated files, arguments and folders
	@# A process for each target, because Hypothesis keeps what it has tried in memory.
	@for target in $(FUZZED); do \
		HARNESS_FUZZ=100000 $(BIN)/python -m pytest -q -s -p no:xdist tests/fuzz -k $$target || exit 1; \
	done

bench: $(VENV)/.installed  ## compare the speed with NumPy, Numba, JAX and PyTorch; takes minutes
	@$(PIP) --editable '.[peers]'
	@$(BIN)/harness bench

bench-c: $(VENV)/.installed-test  ## compare the speed with C, where there is gcc
	@$(BIN)/python tests/benchmarks/against_c.py

docs: $(VENV)/.installed-test  ## train what the README and the notebook show, and draw the picture
	@$(BIN)/python -m tools.readme
	@$(BIN)/python -m tools.readme_picture
	@$(BIN)/python -m tools.notebook

landmarks: $(VENV)/.installed-test  ## train published results again and write docs/landmarks; takes an hour
	@$(BIN)/python -m experiments.landmarks

capacity: $(VENV)/.installed-test  ## measure what a chunk costs on a cluster, and write docs/capacity.md
	@$(BIN)/python -m tools.capacity

format: $(VENV)/.installed-test  ## put the code in its form
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

clean:  ## remove the environment, caches and build leftovers; results stay
	@rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .benchmarks
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(error) says its one line and ends make with status 2.
define need_python
$(if $(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),,$(error \
harness needs Python 3.11 or newer, and $(PYTHON) is $(or $(shell $(PYTHON) -V 2>/dev/null),not there); name another: make PYTHON=python3.12))
endef

$(BIN)/python:
	$(need_python)
	@echo "== making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 2; }  # half an environment would pass for one

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "== installing harness into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "== installing harness and its tests into $(VENV)"
	@$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed
