# make bench       compare the four frameworks in minutes: a table, figures, a stored run
# make bench-full  measure all that is published: all cells and sizes, large batches, compile times
# make test        check that all cells compute the same thing
# make prove       run the slow tests, judge every whole run, and test long runs, kills and wrong
#                  input; make prove QUICK=1 leaves out the verdicts and shortens the last part
# make self-test   test the clock with known ratios and a known sleep, two minutes
# make lint        check the style and the types
# make docs        the docs as a site in build/site; a dead link is an error
#
# Each makes .venv if it is missing or older than the pins. On Linux without an NVIDIA driver pip
# installs PyTorch's CPU build, unless PIP_FLAGS="..." is given: then pip gets these flags.

PYTHON ?= python3
PIP_FLAGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
SIDE_BY_SIDE := -n $(WORKERS) --dist loadgroup
# By default pip installs a CUDA build of torch on Linux, several GB.
CPU_BUILDS := https://download.pytorch.org/whl/cpu
HAS_DRIVER := $(wildcard /proc/driver/nvidia/version /dev/nvidia0 /dev/dxg)

.PHONY: bench bench-full test prove self-test lint docs

bench: .venv/made
	$(BIN)/python -m benchmarks run --quick

bench-full: .venv/made
	$(BIN)/python -m benchmarks run

test: .venv/made
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow"

prove: .venv/made
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m slow
	$(if $(QUICK),,$(BIN)/python -m benchmarks verdicts)
	$(BIN)/python -m benchmarks endurance $(if $(QUICK),--quick)

self-test: .venv/made
	$(BIN)/python -m benchmarks self-test

lint: .venv/made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/made
	$(BIN)/python docs/build.py

.venv/made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version)'
	@echo "Making .venv with the versions of constraints.txt: numpy, numba, jax, torch, about 2 GB."
	$(PYTHON) -m venv --clear .venv
ifeq ($(strip $(shell uname -s)$(HAS_DRIVER)$(PIP_FLAGS)),Linux)
	@$(PIP) --retries 0 --timeout 15 --no-deps --index-url $(CPU_BUILDS) "$$(grep '^torch==' constraints.txt)" 2> /dev/null || echo "$(CPU_BUILDS) could not be reached: torch comes from pip's own index."
endif
	$(PIP) $(PIP_FLAGS) --constraint constraints.txt --editable '.[all,examples,browser,lint,docs]'
	@touch $@
