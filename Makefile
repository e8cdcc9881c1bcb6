# Citizen Services Tracker. A fresh machine needs Python 3.11 or later and make: `make demo`.
# Options of a command go into ARGS: make demo ARGS="--speed 60 --port 9000"

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
DEV_INSTALLED := $(VENV)/installed-dev
# A new package, like a new requirement, is only found after another installation.
PACKAGES := $(wildcard contracts/*/__init__.py libs/*/__init__.py services/*/__init__.py)
# The map page that the API serves at /map, and what it is built from.
PAGE := services/cst_geo_analytics/page/index.html
PAGE_SOURCES := $(wildcard web/map/build web/map/*.* web/map/.npmrc web/map/src/* web/map/src/styles/*)
BENCHES := $(filter-out __init__ common,$(basename $(notdir $(wildcard tests/bench/*.py))))
UV := $(BIN)/uv
LOCK := $(UV) pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	--no-header --annotation-style line
BENCH_ARGS := $(if $(ROWS),--rows $(ROWS))

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo up down status kafka map map-if-possible test test-map test-data chaos \
	bench lint lock clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: $(INSTALLED) ## Make the virtual environment and install CST into it

install-dev: $(DEV_INSTALLED) ## The same, and what tests and checks need

demo: $(INSTALLED) map-if-possible ## Everything and a simulated city, until Ctrl-C
	@$(BIN)/cst demo $(ARGS)

up: $(INSTALLED) map-if-possible ## Start MongoDB, the broker and every process; they stay
	@$(BIN)/cst up $(ARGS)

down: $(INSTALLED) ## Stop what `make up` or `make kafka` has started
	@$(BIN)/cst down

status: $(INSTALLED) ## Show what runs
	@$(BIN)/cst status $(ARGS)

kafka: $(INSTALLED) map-if-possible ## As `make up`, with Apache Kafka for the broker (needs Java and Maven)
	@CST_BROKER=kafka $(BIN)/cst up $(ARGS)

map: $(PAGE) ## Build the map page (Node 20.19 or later, or PyPI's Node wheel)

# All else works without the page, so nothing waits for Node or a network that are not there.
map-if-possible: $(INSTALLED)
	@$(MAKE) --no-print-directory --question map || { echo "building the map page"; web/map/build $(VENV) && touch $(PAGE); } || true

$(PAGE): $(PAGE_SOURCES) | $(INSTALLED)
	@echo "building the map page"
	@web/map/build $(VENV)
	@touch $@

# Most of a test is waiting, so there are more workers than cores; each has a stack of its own. Long
# files come first by their names, not last for having few tests.
test: $(DEV_INSTALLED) ## The tests: unit, contract, integration on the embedded stack; JOBS=n at once
	$(BIN)/pytest -n $(or $(JOBS),3) --dist loadfile --no-loadscope-reorder -m "not kafka and not slow" \
		tests/integration tests/contract tests/unit $(ARGS)

test-slow: $(DEV_INSTALLED) ## What CI leaves out: minutes each, all repetitions (Java, Maven)
	CST_REPETITIONS=$(or $(CST_REPETITIONS),20) $(BIN)/pytest -m slow tests/contract tests/integration tests/faults $(ARGS)
	$(BIN)/pytest -s -m "chaos and not kafka" tests/faults $(ARGS)
	CST_STACK=kafka $(BIN)/pytest -m kafka tests/data $(ARGS)

test-data: $(DEV_INSTALLED) ## The tests on all of the real data (minutes)
	CST_DATA=full $(BIN)/pytest tests/data $(ARGS)

test-map: $(DEV_INSTALLED) $(PAGE) ## The map page in a browser (Chromium)
	$(BIN)/pytest tests/e2e $(ARGS)

chaos: $(DEV_INSTALLED) ## Hundreds of faults against everything (Java, Maven); CST_CHAOS_SEED=n: again
	CST_CHAOS_FAULTS=$(or $(CST_CHAOS_FAULTS),500) CST_CHAOS_REQUESTS=$(or $(CST_CHAOS_REQUESTS),12000) \
		$(BIN)/pytest -s -m "chaos and kafka" tests/faults $(ARGS)

bench: $(DEV_INSTALLED) ## Measure rates beside the bare driver's; ROWS=n for fewer rows
	@for bench in $(BENCHES); do $(BIN)/python -m tests.bench.$$bench $(BENCH_ARGS) || exit 1; done

lint: $(DEV_INSTALLED) ## Style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy contracts libs services
	$(BIN)/lint-imports

lock: $(UV) ## Resolve the requirements of pyproject.toml anew
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev --group bench -o requirements-dev.lock

clean: ## Stop CST and remove what was installed or built; data stays in .cst
	@if [ -x $(BIN)/cst ]; then $(BIN)/cst down; fi
	rm -rf web/map/node_modules $(dir $(PAGE))
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "CST needs Python 3.11 or later: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make virtual environments: install its venv module" \
			"(Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }

$(UV): | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

# uv takes a tenth of pip's time, but knows nothing of pip's settings: where it fails, pip does it.
install-from = $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python -r $(1) || \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(1)

$(INSTALLED): requirements.txt requirements.lock pyproject.toml $(PACKAGES) | $(UV)
	$(call install-from,requirements.txt)
	@touch $@

$(DEV_INSTALLED): requirements-dev.lock $(INSTALLED)
	$(call install-from,requirements-dev.lock)
	@touch $@
