# The door to the project: make help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
ARGS ?=
# Workers start often: without bytecode on disk each of them would compile River anew, for seconds.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help setup demo test check lint types imports current format bench kafka soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## make .venv and install the lock, by hash (needs Python 3.11 and pip only)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "touchstream needs Python 3.11 or later: make setup PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## watch a simulated world of customers, no services needed (ARGS="--seconds 30")
	$(BIN)/touchstream demo $(ARGS)

test: setup ## every test; those that need Kafka or Redis skip without them, never when CI=true
	$(BIN)/python -m pytest $(ARGS)

check: lint types imports current ## everything that a reviewer should not have to check

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy --strict, tests included
	$(BIN)/mypy

imports: setup ## imports run one way
	$(BIN)/lint-imports

current: setup ## the generated files match the code
	$(BIN)/python -m touchstream.schemas.generate --check

format: setup ## let ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure throughput, latency, memory and quality (ARGS=...)
	$(BIN)/python -m bench $(ARGS)

soak: setup ## kill workers, broker and Redis for hours, then count (ARGS=...)
	$(BIN)/python -m bench.soak $(ARGS)

kafka: setup ## run Apache Kafka without Docker (Java 17 and Maven; ARGS="--port 9092")
	$(BIN)/python -m bench.services.kafka --foreground $(ARGS)

# Both locks are for Python >= 3.11 on any platform, and name no registry. Needs uv.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock: ## resolve the locks again after a change in pyproject.toml (needs uv)
	$(LOCK) --extra dev --output-file requirements.lock
	$(LOCK) --extra build --constraint requirements.lock --output-file requirements-runtime.lock

clean: ## remove .venv and caches, keep everything else
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
