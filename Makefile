# Every target does the set-up it needs by itself. `make help` explains; GNU make 3.81 or later.

PYTHON ?=
BIN := .venv/bin
RUN_PYTHON := $(BIN)/python
SQUEEZELAB := $(RUN_PYTHON) -m framework
WORKERS := -n 2 --dist loadfile  # more processes would each hold TensorFlow and more than a gigabyte

# Only `make study NAME=...` sets these: some systems have a NAME of their own in the environment.
VARIABLES := NAME SET FRESH RUN TRIAL PORT
$(foreach name,$(VARIABLES),$(if $(filter command,$(origin $(name))),,$(eval $(name) :=)))
export $(VARIABLES)

# What is installed depends on this text; where it is installed, on the folder, which may be moved.
INSTALLED := .venv/installed
WANTED := $(shell (cat requirements.lock; sed '/^\[tool/,$$d' pyproject.toml) | cksum | tr ' ' -)
READY := .venv/ready-$(shell pwd | cksum | tr ' ' -)
MISSING := $(shell test -x $(RUN_PYTHON) || echo FORCE)

# Appends `--set KEY=VALUE` for every word of SET and the switches, without the shell looking into them.
ARGUMENTS = set -f; \
	for pair in $$SET; do set -- "$$@" --set "$$pair"; done; \
	case "$$FRESH" in ''|0) ;; *) set -- "$$@" --fresh;; esac

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: FORCE setup study report list check show ui confirm test test-all lint format clean lock help
.PHONY: need-name need-name-or-run need-trial

setup: $(READY)  ## make .venv and install everything, from requirements.lock
	@echo "Ready. Next: make list"

study: need-name $(READY)  ## run a study, or go on with it: NAME=, SET=, FRESH=1
	@set -- study "$$NAME"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

report: need-name $(READY)  ## tables and figures of a study's runs: NAME=, SET=
	@set -- report "$$NAME"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

list: $(READY)  ## studies, data sets, architectures, strategies, metrics
	@exec $(SQUEEZELAB) list

check: $(READY)  ## check every study file, or the one of NAME=, without running it
	@set -- check; if [ -n "$$NAME" ]; then set -- "$$@" "$$NAME"; fi; exec $(SQUEEZELAB) "$$@"

show: need-name-or-run $(READY)  ## one study or plug-in (NAME=, SET=), or one run (RUN=id)
	@set -- show "$${RUN:-$$NAME}"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

ui: $(READY)  ## compare the runs in the MLflow UI, on this machine only: PORT=
	@set -- ui; if [ -n "$$PORT" ]; then set -- "$$@" --port "$$PORT"; fi; exec $(SQUEEZELAB) "$$@"

confirm: need-name need-trial $(READY)  ## measure one trial on the sealed test split: NAME=, SET=, TRIAL=
	@set -- confirm "$$NAME" --trial "$$TRIAL"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

test: $(READY)  ## the fast tests, about 12 minutes
	@$(RUN_PYTHON) -m pytest -q -m "not slow" $(WORKERS)

test-all: $(READY)  ## every test, also those that train at scale
	@$(RUN_PYTHON) -m pytest -q $(WORKERS)

lint: $(READY)  ## style, types and floors
	$(RUN_PYTHON) -m ruff check .
	$(RUN_PYTHON) -m ruff format --check .
	$(RUN_PYTHON) -m mypy
	$(RUN_PYTHON) $(BIN)/lint-imports --no-logo

format: $(READY)  ## put the code into the house style
	$(RUN_PYTHON) -m ruff check --fix .
	$(RUN_PYTHON) -m ruff format .

clean:  ## remove .venv and the tools' caches; results, data and baselines stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find . -name .artifacts -prune -o -name .cache -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
	@echo "Removed .venv and caches. Kept: mlflow.db, .artifacts, .cache, reports/out."

lock:  ## requirements.lock from pyproject.toml, with uv; remove it first for the newest versions
	@command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 2; }
	uv pip compile --universal --generate-hashes --no-emit-index-url --extra dev --python-version 3.11 pyproject.toml -o requirements.lock

help:  ## this page
	@echo "Squeezelab: compress TensorFlow networks and keep every number."
	@echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1#\2/p' Makefile | awk -F'#' '{ printf "%-17s%s\n", $$1, $$2 }'
	@echo
	@echo "  NAME=squeezenet_prune           a study: the name of a file in studies/"
	@echo "  SET=\"trials=50 dataset=mnist\"   changes for a quick try, separated by spaces"
	@echo "  FRESH=1                         start the study over; its earlier runs are kept"
	@echo "  RUN=id  TRIAL=12  PORT=5000     a run, a trial's number, a port"
	@echo "  PYTHON=python3.12               the interpreter for .venv, 3.11 to 3.13; make clean first to change it"
	@echo
	@echo "make itself ends with 2 whenever a command fails and prints the command's own code (\"Error 75\")."
	@echo "$(BIN)/squeezelab takes the same words and ends with the exact code: 0 done, 1 our fault,"
	@echo "2 a mistake to mend, 3 stopped by failures, 75 another one is at work, 130 interrupted."

need-name:
	@[ -n "$$NAME" ] || { \
	echo "Which study? make $(firstword $(MAKECMDGOALS)) NAME=squeezenet_prune" >&2; \
	echo "The names: make list" >&2; exit 2; }

need-name-or-run:
	@[ -n "$$NAME$$RUN" ] || { \
	echo "Show what? make show NAME=squeezenet_prune, or make show RUN=id" >&2; \
	echo "The names: make list" >&2; exit 2; }

need-trial:
	@[ -n "$$TRIAL" ] || { \
	echo "Which trial? make confirm NAME=$$NAME TRIAL=12" >&2; \
	echo "The numbers: make report NAME=$$NAME" >&2; exit 2; }

# --- set-up ---------------------------------------------------------------------------------------------------------

# Sets $$python to the first interpreter that will do, or says the way out and ends with 2.
FIND_PYTHON = \
	python=; found=; bare=; \
	for name in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11); do \
	  version=`"$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null` || continue; \
	  found="$$found $$name is $$version."; \
	  case "$$version" in 3.11|3.12|3.13) ;; *) continue;; esac; \
	  if "$$name" -c 'import venv, ensurepip' 2>/dev/null; then python=$$name; break; fi; bare=$$version; \
	done; \
	if [ -z "$$python" ] && [ -n "$$bare" ]; then \
	  echo "Python $$bare is here, but without venv and ensurepip, which make .venv." >&2; \
	  echo "Debian, Ubuntu: apt install python$$bare-venv    macOS: brew install python@$$bare" >&2; exit 2; \
	elif [ -z "$$python" ]; then \
	  echo "Squeezelab needs Python 3.11, 3.12 or 3.13.$${found:- None was found$(if $(PYTHON), as $(PYTHON)).}" >&2; \
	  echo "Debian, Ubuntu: apt install python3 python3-venv    macOS: brew install python@3.13" >&2; \
	  echo "Another interpreter: make $(firstword $(MAKECMDGOALS) setup) PYTHON=/path/to/python3.12" >&2; exit 2; \
	fi

PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore $(RUN_PYTHON) -m pip install -qq

# A .venv that an interrupt left without pip, or with a Python that will not do, is made anew.
VENV_OK = $(RUN_PYTHON) -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null

$(READY): requirements.lock pyproject.toml $(MISSING)
	@$(VENV_OK) || { $(FIND_PYTHON); \
	echo "Making .venv with $$python (Python $$version)" >&2; "$$python" -m venv --clear .venv; }
	@[ "`cat $(INSTALLED) 2>/dev/null`" = "$(WANTED)" ] || { rm -f $(INSTALLED) .venv/ready-*; \
	echo "Installing `grep -c '^[a-zA-Z0-9].*==' requirements.lock` packages into .venv, about 3 minutes" >&2; \
	$(PIP) --require-hashes -r requirements.lock && echo "$(WANTED)" > $(INSTALLED); }
	@echo "Installing squeezelab itself, a few seconds" >&2
	@$(PIP) --no-deps --no-build-isolation --editable .
	@rm -f .venv/ready-*; touch "$@"
