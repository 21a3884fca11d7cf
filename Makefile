# Everything a fresh machine needs is Python 3.11 with its venv module; `make help` lists the commands.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
BUILD := build
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.PHONY: help demo test check bench bench-host bench-kernels bench-networks bench-pytorch powerloss soak clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=/path/to/python3.11 chooses the interpreter of the environment in $(VENV)."

demo: $(VENV)/demo.stamp ## train on the emulated board, compare the methods, write build/report.html
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop demo --json $(BUILD)/demo.json

bench: $(VENV)/demo.stamp ## instructions per training step beside those of other trainers
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop bench --json $(BUILD)/bench.json

bench-networks: $(VENV)/demo.stamp ## the networks of MLPerf Tiny on emulated boards, method by method
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop bench-networks --json $(BUILD)/bench-networks.json

bench-kernels: $(VENV)/demo.stamp ## single kernels beside CMSIS-DSP's, and their cost against k
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop bench-kernels --json $(BUILD)/bench-kernels.json --picture $(BUILD)/cost_vs_k.png

bench-host: $(VENV)/demo.stamp $(VENV)/executorch.stamp ## one training step here beside PyTorch's and ExecuTorch's
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop bench-host --json $(BUILD)/bench-host.json

bench-pytorch: $(VENV)/demo.stamp ## one training step in PyTorch under every method, beside dense training
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop bench-pytorch --json $(BUILD)/bench-pytorch.json

powerloss: $(VENV)/demo.stamp ## cut power at every write of a save, and count what is lost
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop powerloss --json $(BUILD)/powerloss.json

soak: $(VENV)/demo.stamp ## a million steps through resets, bad samples and cut saves
	@mkdir -p $(BUILD)
	$(BIN)/tinyprop soak --json $(BUILD)/soak.json

test: $(VENV)/dev.stamp ## all tests, on two cores
	$(BIN)/pytest -n 2 --dist worksteal

check: $(VENV)/dev.stamp ## lint, format, types, import order
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove the environment and everything built
	rm -rf $(VENV) $(BUILD) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The build backend goes in first, so that the package itself is built with pinned versions and, the second
# time, without a network.
$(VENV)/demo.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the pinned dependencies into $(VENV) (once; a few minutes) ..."
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation --editable '.[torch,demo,data]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	@echo "Installing the tools for tests and checks ..."
	@$(PIP) --no-build-isolation --editable '.[torch,demo,data,cluster,tune,device,dev]'
	@touch $@

# Without it the benchmark goes on and says so; the next call tries again.
$(VENV)/executorch.stamp: $(VENV)/demo.stamp
	@echo "Installing ExecuTorch, for comparison only (once; 700 MB on disk) ..."
	@if $(PIP) --no-build-isolation --editable '.[torch,demo,data,executorch]'; then touch $@; \
	  else echo "ExecuTorch could not be installed: it is left out."; fi

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "No Python found at '$(PYTHON)': install Python 3.11 or give PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), tinyprop needs 3.11 or newer: give PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make an environment: install its venv module (Debian: python3-venv)."; exit 1; }
