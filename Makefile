# Every target does the set-up it needs by itself. `make help` explains; GNU make 3.81 or later.

PYTHON ?=
BIN := .venv/bin
RUN_PYTHON := $(BIN)/python
SQUEEZELAB := $(RUN_PYTHON) -m framework
TEST_WORKERS := -n 2 --dist loadfile --no-loadscope-reorder  # more processes would each hold TensorFlow and more than a gigabyte

# Only `make study NAME=...` sets these: some systems have a NAME of their own in the environment.
VARIABLES := NAME SET FRESH RUN TRIAL PORT KIND YES
VARIABLES += HOURS DRY A B FILES OUT FORCE WORKERS MEMORY CLUSTER EXTRAS SEEDS SEED OVER TRIALS COLUMNS WIDTH AXES
# Their text is taken as it was typed: make would run a $(shell ...) in it.
$(foreach name,$(VARIABLES),$(if $(filter command,$(origin $(name))),\
  $(eval override $(name) := $$(value $(name))),$(eval $(name) :=)))
export $(VARIABLES)

# Extras that were asked for once stay, because every target does the set-up.
KNOWN_EXTRAS := $(patsubst requirements-%.lock,%,$(wildcard requirements-*.lock))
CHOSEN := $(filter $(KNOWN_EXTRAS),$(EXTRAS) $(shell cat .venv/extras 2>/dev/null))
LOCKS := requirements.lock $(CHOSEN:%=requirements-%.lock)

# What is installed depends on this text; where it is installed, on the folder, which may be moved.
INSTALLED := .venv/installed
WANTED := $(shell (cat $(LOCKS); sed '/^\[tool/,$$d' pyproject.toml) | cksum | tr ' ' -)
READY := .venv/ready-$(shell (pwd$(if $(CHOSEN),; echo $(CHOSEN))) | cksum | tr ' ' -)
MISSING := $(shell test -x $(RUN_PYTHON) || echo FORCE)

# Appends `--set KEY=VALUE` for every word of SET and the switches, without the shell looking into them.
ARGUMENTS = set -f; \
	for pair in $$SET; do set -- "$$@" --set "$$pair"; done; \
	if [ -n "$$HOURS" ]; then set -- "$$@" --set "hours=$$HOURS"; fi; \
	if [ -n "$$SEEDS" ]; then set -- "$$@" --set "seeds=$$SEEDS"; fi; \
	case "$$FRESH" in ''|0) ;; *) set -- "$$@" --fresh;; esac

# The words of NAME, into which the shell does not look either.
NAMES = set -f; set -- $$NAME
AGREED = case "$$YES" in ''|0) ;; *) set -- "$$@" --yes;; esac

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: messages FORCE setup study report list check show ui confirm test test-slowest test-all lint format clean lock help
.PHONY: data new doctor forget clean-cache chaos cluster-demo
.PHONY: cancel diff export export-optuna reproduce need-two need-export need-optuna need-run screenshots recipes measurements capabilities saved-nets tutorial simulate
.PHONY: need-name need-name-or-run need-trial need-new need-extras

setup: need-extras $(READY)  ## make .venv and install everything, from requirements.lock: EXTRAS=cluster
	@echo "Ready. Next: make list"

study: need-name $(READY)  ## run a study, or go on with it: NAME=, SEEDS=, SET=, HOURS=, FRESH=1, DRY=1, WORKERS=, MEMORY=, CLUSTER=
	@set -- study "$$NAME"; case "$$DRY" in ''|0) ;; *) set -- "$$@" --dry-run;; esac; \
	if [ -n "$$WORKERS" ]; then set -- "$$@" --workers "$$WORKERS"; fi; if [ -n "$$MEMORY" ]; then set -- "$$@" --memory "$$MEMORY"; fi; \
	if [ -n "$$CLUSTER" ]; then set -- "$$@" --cluster "$$CLUSTER"; fi; \
	$(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

cluster-demo: $(READY)  ## two Ray nodes on this machine run a study, and one of them is killed in the middle
	@exec $(RUN_PYTHON) -m benchmarks.cluster_demo

report: need-name $(READY)  ## tables and figures of a study's runs, or of several side by side: NAME=, SET=, KIND=, OVER=, COLUMNS=, WIDTH=, AXES=
	@set -- report "$$NAME"; if [ -n "$$KIND" ]; then set -- "$$@" --kind "$$KIND"; fi; \
	if [ -n "$$OVER" ]; then set -- "$$@" --over "$$OVER"; fi; if [ -n "$$COLUMNS" ]; then set -- "$$@" --columns "$$COLUMNS"; fi; \
	if [ -n "$$WIDTH" ]; then set -- "$$@" --width "$$WIDTH"; fi; if [ -n "$$AXES" ]; then set -- "$$@" --axes "$$AXES"; fi; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

list: $(READY)  ## studies, data sets, architectures, strategies, metrics
	@exec $(SQUEEZELAB) list

check: $(READY)  ## check every study file, or the one of NAME=; what is your own is tried on a few samples
	@set -- check; if [ -n "$$NAME" ]; then set -- "$$@" "$$NAME"; fi; exec $(SQUEEZELAB) "$$@"

show: need-name-or-run $(READY)  ## one study or plug-in (NAME=, SET=), or one run (RUN=id)
	@set -- show "$${RUN:-$$NAME}"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

ui: $(READY)  ## compare the runs in the MLflow UI, on this machine only: PORT=
	@set -- ui; if [ -n "$$PORT" ]; then set -- "$$@" --port "$$PORT"; fi; exec $(SQUEEZELAB) "$$@"

confirm: need-name $(READY)  ## the front trained under new seeds, each net measured once on the test split: NAME=, SEEDS=, TRIALS=, SET=, WORKERS=; or a stored file: TRIAL=
	@set -- confirm "$$NAME"; if [ -n "$$TRIALS$$TRIAL" ]; then set -- "$$@" --trials "$${TRIALS:-$$TRIAL}"; fi; \
	if [ -n "$$SEEDS" ]; then set -- "$$@" --seeds "$$SEEDS"; fi; SEEDS=; if [ -n "$$WORKERS" ]; then set -- "$$@" --workers "$$WORKERS"; fi; \
	if [ -n "$$MEMORY" ]; then set -- "$$@" --memory "$$MEMORY"; fi; if [ -n "$$CLUSTER" ]; then set -- "$$@" --cluster "$$CLUSTER"; fi; \
	$(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

data: $(READY)  ## where each data set is, or prepare one: NAME=
	@set -- data; if [ -n "$$NAME" ]; then set -- "$$@" "$$NAME"; fi; exec $(SQUEEZELAB) "$$@"

new: need-new $(READY)  ## a commented file to edit: KIND=study|strategy|architecture|dataset|metric|report, NAME=
	@exec $(SQUEEZELAB) new "$$KIND" "$$NAME"

doctor: $(READY)  ## look for what is wrong here; nothing is changed
	@exec $(SQUEEZELAB) doctor

forget: need-name $(READY)  ## delete a study's runs, artifacts and reports, after asking: NAME=, YES=1
	@set -- forget "$$NAME"; $(AGREED); exec $(SQUEEZELAB) "$$@"

clean-cache: $(READY)  ## delete .cache, after asking; it is made again when needed: YES=1
	@set -- clean-cache; $(AGREED); exec $(SQUEEZELAB) "$$@"

cancel: need-name need-trial $(READY)  ## end one trial of a study that runs; the others go on: NAME=, TRIAL=, SET=
	@set -- cancel "$$NAME" --trial "$$TRIAL"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

diff: need-two $(READY)  ## what differs between two studies or two runs: A=, B=, FILES=1 to count their answers
	@set -- diff "$$A" "$$B"; case "$$FILES" in ''|0) ;; *) set -- "$$@" --files;; esac; exec $(SQUEEZELAB) "$$@"

export: need-export $(READY)  ## a run's .tflite file with a model card: RUN= (or NAME=, TRIAL=), OUT=, FORCE=1
	@set -- export "$${RUN:-$$NAME:$$TRIAL}" "$$OUT"; case "$$FORCE" in ''|0) ;; *) set -- "$$@" --force;; esac; \
	$(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

export-optuna: need-optuna $(READY)  ## a study's trials as an Optuna storage, for optuna-dashboard: NAME=, OUT=x.db, SET=, FORCE=1
	@set -- export-optuna "$$NAME" "$$OUT"; case "$$FORCE" in ''|0) ;; *) set -- "$$@" --force;; esac; \
	$(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

reproduce: need-run $(READY)  ## train a run again and compare its bits: RUN= (or NAME=, TRIAL=), SET=
	@set -- reproduce "$${RUN:-$$NAME:$$TRIAL}"; $(ARGUMENTS); exec $(SQUEEZELAB) "$$@"

screenshots: $(READY)  ## pictures of a study in the MLflow UI for docs/images, with Chromium or Chrome: NAME=
	@$(NAMES); exec $(RUN_PYTHON) -m docs.screenshots "$$@"

recipes: $(READY)  ## measure what docs say each net reaches, where that is out of date: NAME=
	@$(NAMES); exec $(RUN_PYTHON) -m docs.recipes "$$@"

measurements: $(READY)  ## measure what docs say of strategies, where that is out of date: NAME=
	@$(NAMES); exec $(RUN_PYTHON) -m docs.measurements "$$@"

capabilities: $(READY)  ## run every strategy on every net for the table in docs, where out of date: NAME=
	@$(NAMES); exec $(RUN_PYTHON) -m docs.capabilities "$$@"

saved-nets: $(READY)  ## try every layer of keras in small saved nets for the table in docs, where out of date: NAME=
	@$(NAMES); exec $(RUN_PYTHON) -m docs.saved_nets.run "$$@"

tutorial: $(READY)  ## run every command of docs/from-lenet-to-squeezenet.md and write its tables
	@exec $(RUN_PYTHON) -m docs.tutorial

simulate: $(READY)  ## hold intervals and verdicts to their word, without training, and write docs/statistics.md
	@exec $(RUN_PYTHON) -m benchmarks.simulate

test: $(READY)  ## the fast tests, about 20 minutes on 2 cores
	@$(RUN_PYTHON) -m pytest -q -m "not slow" $(TEST_WORKERS)

test-slowest: $(READY)  ## the same, and which 25 of them take longest
	@$(RUN_PYTHON) -m pytest -q -m "not slow" $(TEST_WORKERS) --durations=25

chaos: $(READY)  ## the study loop under simulated kills, deaths, full disks, lost answers: SEEDS=100000, SEED=
	@set --; if [ -n "$$SEEDS" ]; then set -- "$$@" --seeds "$$SEEDS"; fi; if [ -n "$$SEED" ]; then set -- "$$@" --seed "$$SEED"; fi; \
	exec $(RUN_PYTHON) -m benchmarks.chaos "$$@"

messages: $(READY)  ## every message there is: where it is made, and its words
	@$(RUN_PYTHON) tests/message_list.py

test-all: $(READY)  ## every test, also those that train at scale
	@$(RUN_PYTHON) -m pytest -q $(TEST_WORKERS)

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

COMPILE = uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml

lock:  ## requirements.lock and one for each extra, from pyproject.toml, with uv; remove it first for the newest versions
	@command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 2; }
	$(COMPILE) --extra dev -o requirements.lock
	@for extra in $(KNOWN_EXTRAS); do echo "requirements-$$extra.lock"; $(OF_EXTRA); done

# What an extra needs beyond requirements.lock, in versions that go with it.
OF_EXTRA = $(COMPILE) -q --custom-compile-command "make lock" --extra $$extra -c requirements.lock \
	`sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements.lock | sort -u` -o requirements-$$extra.lock.new && \
	sed '/^$$/,$$d' requirements-$$extra.lock.new > requirements-$$extra.lock; rm -f requirements-$$extra.lock.new

help:  ## this page
	@echo "Squeezelab: compress TensorFlow networks and keep every number."
	@echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1#\2/p' Makefile | awk -F'#' '{ printf "%-22s%s\n", $$1, $$2 }'
	@echo
	@echo "  NAME=squeezenet_prune           a study: the name of a file in studies/"
	@echo "  SET=\"trials=50 dataset=mnist\"   changes for a quick try, separated by spaces"
	@echo "  HOURS=2                         how long a study may run in one go"
	@echo "  WORKERS=2                       processes in which trials run side by side; 0: none, left out: as many as are worth it"
	@echo "  MEMORY=4                        GiB that each of them may hold"
	@echo "  CLUSTER=auto                    a Ray cluster that runs them: the one that was started here, or host:port of a head"
	@echo "  EXTRAS=cluster                  what setup installs besides; it stays until make clean"
	@echo "  DRY=1                           what a study would run, how long, how much disk; nothing is run"
	@echo "  FRESH=1                         start the study over; its earlier runs are kept"
	@echo "  RUN=id  TRIAL=12  PORT=5000     a run, a trial's number, a port"
	@echo "  KIND=strategy                   of a new file, or of a report (the name of a file in reports/)"
	@echo "  SEEDS=5                         seeds under which every trial of a study is trained; more later use what is there"
	@echo "  SEEDS=5  TRIALS=3,9,17          of confirm: new seeds, and trials in place of the front"
	@echo "  SEEDS=2000  SEED=123            how many scenarios of chaos; one of them again, with what happens in it"
	@echo "  KIND=compare                    a report: methods side by side, of NAME=\"a b\" and all their seeds"
	@echo "  KIND=ledger                     of one study: pareto, ledger (sizes), ablation, appendix (all trials), setup; or all"
	@echo "  OVER=compress.0.sparsity        a knob: its values are the columns of compare, or it is what ablation is of"
	@echo "  WIDTH=column  COLUMNS=\"a b\"    of tables for a paper: as wide as a column of the text, with these columns"
	@echo "  AXES=\"size_tflite_bytes val_accuracy\"   of the figure, and of what orders the tables"
	@echo "  YES=1                           delete without asking"
	@echo "  PYTHON=python3.12               the interpreter for .venv, 3.11 to 3.13; make clean first to change it"
	@echo
	@echo "make itself ends with 2 whenever a command fails and prints the command's own code (\"Error 75\")."
	@echo "$(BIN)/squeezelab takes the same words and ends with the exact code: 0 done, 1 our fault,"
	@echo "2 a mistake to mend, 3 stopped by failures, 75 another one is at work, 130 interrupted;"
	@echo "of reproduce 4 within tolerance in another environment, 5 different."

need-name:
	@[ -n "$$NAME" ] || { \
	echo "Which study? make $(firstword $(MAKECMDGOALS)) NAME=squeezenet_prune" >&2; \
	echo "The names: make list" >&2; exit 2; }

need-extras:
	@for extra in $$EXTRAS; do case " $(KNOWN_EXTRAS) " in *" $$extra "*) ;; *) \
	echo "There is no extra called $$extra. Known: $(KNOWN_EXTRAS)" >&2; exit 2;; esac; done

need-name-or-run:
	@[ -n "$$NAME$$RUN" ] || { \
	echo "Show what? make show NAME=squeezenet_prune, or make show RUN=id" >&2; \
	echo "The names: make list" >&2; exit 2; }

need-new:
	@[ -n "$$KIND" ] && [ -n "$$NAME" ] || { \
	echo "A new what, and its name? make new KIND=strategy NAME=my_strategy" >&2; \
	echo "The kinds: study strategy architecture dataset metric report" >&2; exit 2; }

need-two:
	@[ -n "$$A" ] && [ -n "$$B" ] || { \
	echo "Which two? make diff A=lenet5_prune B=lenet_300_100_prune, or A=NAME:3 B=NAME:7 for trials" >&2; \
	echo "The names: make list" >&2; exit 2; }

need-export:
	@{ [ -n "$$RUN" ] || { [ -n "$$NAME" ] && [ -n "$$TRIAL" ]; }; } && [ -n "$$OUT" ] || { \
	echo "Which run, and where to? make export NAME=squeezenet_prune TRIAL=12 OUT=model.tflite, or RUN=id" >&2; \
	echo "The numbers: make report NAME=squeezenet_prune" >&2; exit 2; }

need-optuna:
	@[ -n "$$NAME" ] && [ -n "$$OUT" ] || { \
	echo "Which study, and where to? make export-optuna NAME=squeezenet_prune OUT=study.db" >&2; \
	echo "The names: make list" >&2; exit 2; }

need-run:
	@{ [ -n "$$RUN" ] || { [ -n "$$NAME" ] && [ -n "$$TRIAL" ]; }; } || { \
	echo "Which run? make reproduce RUN=id, or NAME=squeezenet_prune TRIAL=12" >&2; \
	echo "The numbers: make report NAME=squeezenet_prune" >&2; exit 2; }

need-trial:
	@[ -n "$$TRIAL" ] || { \
	echo "Which trial? make $(firstword $(MAKECMDGOALS)) NAME=$$NAME TRIAL=12" >&2; \
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

$(READY): $(LOCKS) pyproject.toml $(MISSING)
	@$(VENV_OK) || { $(FIND_PYTHON); \
	echo "Making .venv with $$python (Python $$version)" >&2; "$$python" -m venv --clear .venv; }
	@[ "`cat $(INSTALLED) 2>/dev/null`" = "$(WANTED)" ] || { rm -f $(INSTALLED) .venv/ready-*; \
	echo "Installing `cat $(LOCKS) | grep -c '^[a-zA-Z0-9].*=='` packages into .venv, about 3 minutes" >&2; \
	$(PIP) --require-hashes $(LOCKS:%=-r %) && echo "$(WANTED)" > $(INSTALLED); }
	@echo "Installing squeezelab itself, a few seconds" >&2
	@$(PIP) --no-deps --no-build-isolation --editable .
	@echo "$(CHOSEN)" > .venv/extras; rm -f .venv/ready-*; touch "$@"
