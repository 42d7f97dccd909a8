# make bench   compare the backends: tables, figures and a stored run in results/
# make test    prove that all of them compute the same thing
# make self-test  the harness under test: known ratios and a known sleep, two minutes
# make lint    check the style and the types
#
# Each makes .venv when it is missing or older than the pins. On Linux without a GPU
#   make test PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
# brings PyTorch's CPU build instead of the CUDA one of several GB.

PYTHON ?= python3
PIP_FLAGS ?=
BIN := .venv/bin

.PHONY: bench test self-test lint

bench: .venv/made
	$(BIN)/python -m benchmarks run

test: .venv/made
	$(BIN)/python -m pytest

self-test: .venv/made
	$(BIN)/python -m benchmarks.self_test

lint: .venv/made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version)'
	@echo "Making .venv with the versions of constraints.txt: numpy, numba, jax, torch, about 2 GB."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --constraint constraints.txt --editable '.[all,examples,browser,lint]'
	@touch $@
