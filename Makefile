# Homeward on one machine. Needs git, make and python3 with venv; installs nothing outside this
# folder, except a cached Temporal server in ~/.cache/homeward.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.installed
WORKERS ?= 2
# What tests need: unit, db, api, engine, fault, browser; none named: all of them. And how far they look.
TIER    ?=
PROFILE ?= quick

.DEFAULT_GOAL := help
.PHONY: help demo stop test mutants lint bench faults clean

help:  ## say what can be made
	@echo "Homeward:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(READY)  ## set everything up, play two returns, leave the system running
	@echo "== demo: the whole system on this machine"
	@$(VENV)/bin/homeward demo

stop: $(READY)  ## stop what `make demo` left running; its data stay
	@$(VENV)/bin/homeward stop

test: $(READY)  ## run every test on real servers and a real browser; TIER=unit, PROFILE=nightly
	@echo "== test: $(if $(TIER),tier $(TIER),every test)"
	@[ "$(TIER)" = unit ] || $(PY) -m local ready
	@HOMEWARD_PROFILE=$(PROFILE) $(PY) -m pytest -n $(WORKERS) --dist loadgroup $(if $(TIER),-m "$(TIER)")

mutants: $(READY)  ## break every rule that has a mutant, one at a time, and see that it is noticed
	@echo "== mutants: every one"
	@HOMEWARD_MUTANTS=all $(PY) -m pytest -n $(WORKERS) tests/mutants

lint: $(READY)  ## check format, style, types and the direction of imports
	@echo "== lint: format"
	@$(VENV)/bin/ruff format --check --quiet . || { echo "run: $(VENV)/bin/ruff format ."; exit 1; }
	@echo "== lint: style"
	@$(VENV)/bin/ruff check --quiet .
	@echo "== lint: types"
	@$(PY) -m mypy --no-error-summary .
	@echo "== lint: direction of imports"
	@$(VENV)/bin/lint-imports --no-logo > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

bench: $(READY)  ## measure, and compare with the recorded baselines
	@echo "== bench"
	@$(PY) -m local ready
	@$(PY) -m benchmarks

faults: $(READY)  ## kill every process 200 times while a hundred cases run, and check them all
	@echo "== faults: prints its seed; the same again with SEED=N"
	@$(PY) -m local ready
	@$(PY) -m faults $(if $(SEED),--seed $(SEED)) --kills $(or $(KILLS),200) --cases $(or $(CASES),100)

clean:  ## stop what runs from here, remove the local data and the Python environment
	@if [ -x $(PY) ] && [ -e $(READY) ]; then $(VENV)/bin/homeward stop && $(PY) -m local clean; else rm -rf .homeward; fi
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@echo "Clean. The cached Temporal server stays in $${HOMEWARD_CACHE:-$${XDG_CACHE_HOME:-~/.cache}/homeward}."

# The stamp is newer than the lock file exactly when what the lock file names is installed.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install python3 and python3-venv." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: install the package python3-venv, then try again." >&2; exit 1; }
	@echo "== set-up: Python packages into $(VENV), about a minute, once"
	@[ -x $(PY) ] && $(PY) -c 'import pip' 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
