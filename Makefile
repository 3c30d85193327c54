# Everything a fresh machine needs is fetched into .venv; only python3 and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

# uv does not look at pip's local wheels by itself: where a machine offers some, torch's small CPU build is among them.
export UV_FIND_LINKS := $(or $(UV_FIND_LINKS),$(PIP_FIND_LINKS))
# Versions and hashes come from the lock: docs/decisions/0151.
INSTALL := $(UV) pip install --python $(VENV) --constraint requirements.lock

# Several tests at a time, one more than there are cores, because many wait; how they are grouped says tests/conftest.py.
AT_ONCE := --numprocesses $(shell $(PYTHON) -c "import os; print(min(4, 1 + (os.cpu_count() or 1)))") --dist loadgroup

.PHONY: demo test test-fast check format bench device screenshots bundle clean help
.DEFAULT_GOAL := help

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(UV):
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (on Debian: apt install python3-venv)." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet uv

$(VENV)/ready: pyproject.toml requirements.lock hatch_build.py | $(UV)
	$(INSTALL) --editable . --group dev
	@touch $@

demo: $(VENV)/ready ## take the clip that comes with the bridge apart, and play its notes
	$(BIN)/sab demo

test: $(VENV)/ready ## run all tests; what a machine cannot run says why it was skipped
	$(BIN)/pytest $(AT_ONCE) -m "not alone"
	$(BIN)/pytest -m alone

test-fast: $(VENV)/ready ## run the tests that start no processes
	$(BIN)/pytest $(AT_ONCE) -m "not end_to_end and not alone"

check: $(VENV)/ready device ## formatting, lint, types, import contracts, unique names, the device for Live
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_names
	$(BIN)/python -m tools.lock --check

screenshots: $(VENV)/ready ## take the pictures of docs/images anew, from a real session in tmux
	$(BIN)/python -m tools.pictures $(SONG)

device: $(VENV)/ready ## build the Max for Live device into build/device, and check it
	$(BIN)/python -m max_for_live.generator build/device

format: $(VENV)/ready ## put the code into shape
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bundle: requirements.lock | $(UV) ## freeze the bridge into dist/sab, a folder that needs no Python
	$(UV) venv --quiet --clear build/bundle-environment
	$(UV) pip install --python build/bundle-environment --constraint requirements.lock . --group bundle
	build/bundle-environment/bin/pyinstaller --noconfirm --log-level ERROR --distpath dist --workpath build/bundle tools/bundle.spec
	@du -sh dist/sab

bench: $(VENV)/ready ## measure speed and quality, beside the tools that people use today
	$(INSTALL) --group bench
	$(UV) pip install --python $(VENV) --no-deps basic-pitch==0.4.0
	$(BIN)/python -m benchmarks.speed.separation
	$(BIN)/python -m benchmarks.quality.separation
	$(BIN)/python -m benchmarks.quality.transcription
	$(BIN)/python -m benchmarks.speed.memory

clean: ## remove what was made here, the environment too
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis sab-demo*
