# One entry for people and machines. Stamp files make repeats quick; `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
BENCH_VENV ?= .venv-bench
BIN := $(VENV)/bin
SOURCES := ioc streams connectors dashboards deploy tests
PIP := -m pip --disable-pip-version-check --no-input

.PHONY: help up down status doctor test check docs bench drills screenshots lock format clean apt-test
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# -- environments ---------------------------------------------------------------------------------------

$(VENV)/bin/python:
	@"$$(deploy/find-python)" -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@if [ ! -e $(VENV)/.dev ] || [ requirements.lock -nt $(VENV)/.dev ]; then echo "Installing the platform's packages into $(VENV)"; $(BIN)/python $(PIP) install -q --require-hashes -r requirements.lock; fi
	@deploy/link-project $(VENV)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the platform's and the tests' packages into $(VENV)"
	@$(BIN)/python $(PIP) install -q --require-hashes -r requirements-dev.lock
	@$(BIN)/python $(PIP) install -q --no-deps --no-build-isolation --no-index --editable .
	@touch $@ $(VENV)/.runtime

$(BENCH_VENV)/.bench: requirements-bench.lock pyproject.toml
	@"$$(deploy/find-python)" -m venv $(BENCH_VENV)
	@echo "Installing the platform's and the rivals' packages into $(BENCH_VENV)"
	@$(BENCH_VENV)/bin/python $(PIP) install -q --require-hashes -r requirements-bench.lock
	@deploy/link-project $(BENCH_VENV)
	@touch $@

# -- the platform ---------------------------------------------------------------------------------------

up: $(VENV)/.runtime ## install and start the whole platform with a live simulated district
	@$(BIN)/ioc up

down: ## stop every process that up started
	@if [ -x $(BIN)/ioc ]; then $(BIN)/ioc down; else echo "Nothing runs."; fi

status: $(VENV)/.runtime ## show each process
	@$(BIN)/ioc status || [ $$? -le 2 ]

doctor: $(VENV)/.runtime ## look for what is missing
	@$(BIN)/ioc doctor

# -- quality --------------------------------------------------------------------------------------------

apt-test: ## install the Debian packages that only tests need
	@deploy/apt-test

test: $(VENV)/.dev apt-test ## install everything and run all tests
ifdef PYTEST_ARGS
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	@failed=0; \
	echo "Two files at a time, each with servers of its own"; \
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/peers || failed=1; \
	echo "Against real cameras, agents and brokers, which have a sense of time: one at a time"; \
	$(BIN)/python -m pytest tests/peers || failed=1; \
	exit $$failed
endif

check: $(VENV)/.dev ## format, lint, types, imports, docs, compose file, lock files
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	@deploy/check-locks
	@if [ -d tests/docs ]; then $(BIN)/python -m pytest tests/docs; fi

docs: $(VENV)/.dev ## write the reference pages anew from the code
	@$(BIN)/python -m ioc.docs

format: $(VENV)/.dev ## format the code
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

bench: $(BENCH_VENV)/.bench ## measure our worker against others and write docs/benchmarks.md
	@$(BENCH_VENV)/bin/python -m deploy.bench

screenshots: $(VENV)/.dev apt-test ## take the README's pictures of the running platform (make up first)
	@$(BIN)/python -m deploy.screenshots

drills: $(VENV)/.dev ## break the servers and workers on purpose and see that nothing is lost
	@IOC_DRILL_AWAY_S=$${IOC_DRILL_AWAY_S:-600} $(BIN)/python -m pytest -m drills $(DRILL_ARGS)

COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet
lock: $(VENV)/.dev ## resolve the lock files anew; `make lock UPGRADE=--upgrade` takes newer versions
	@$(COMPILE) $(UPGRADE) -o requirements.lock
	@$(COMPILE) $(UPGRADE) --group dev -c requirements.lock -o requirements-dev.lock
	@# the rivals ask for older versions of some packages: their file starts from ours and gives way where it must
	@if [ -n "$(UPGRADE)" ] || [ ! -e requirements-bench.lock ]; then cp requirements.lock requirements-bench.lock; fi
	@$(COMPILE) --group bench -o requirements-bench.lock
	@deploy/check-locks

clean: ## remove the environments and caches, not the platform's state
	@rm -rf $(VENV) $(BENCH_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
