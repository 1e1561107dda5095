# Everything a person or a machine does with this repository. All it needs is Python 3.11 and make.
PYTHON ?= python3
TOOLCHAIN := $(or $(TONEARM_TOOLCHAIN),.tonearm/toolchain)
BIN := $(TOOLCHAIN)/venv/bin
TONEARM := $(BIN)/tonearm
# processes that share out the test files, each with servers of its own (about 4 GiB)
WORKERS ?= 2
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help setup run up down status test test-nightly test-flink lint format bench bench-peers airflow docs lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup:  ## bring the toolchain up to date; what is current is not touched
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 (Debian and Ubuntu: apt-get install python3)." >&2; exit 1; }
	@$(PYTHON) -m infra.local.setup

run: setup  ## run the platform; INPUT=path imports an export, ONCE=1 ends when all is processed
	@$(TONEARM) run $(if $(INPUT),--input "$(INPUT)") $(if $(ONCE),--once) --live

up: setup  ## start Kafka, Cassandra and BigQuery in the background
	@$(TONEARM) up --detach

down:  ## stop what `make up` started
	@if [ -x $(TONEARM) ]; then $(TONEARM) down; fi

status: setup  ## what runs, where, since when, how big
	@$(TONEARM) status

test: setup  ## the tests; ARGS="-k words" chooses, WORKERS=1 runs them in one process
	@$(PYTHON) -m infra.local.setup airflow
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

test-nightly: setup  ## the tests that are too slow for every run
	@$(PYTHON) -m infra.local.setup airflow-google flink
	@$(BIN)/python -m pytest -m nightly $(ARGS)

test-flink: setup  ## the live pipeline on a real Flink; part of test-nightly too
	@$(PYTHON) -m infra.local.setup flink
	@$(BIN)/python -m pytest -m nightly tests/end_to_end/test_flink.py $(ARGS)

lint: setup  ## style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_imports.py tests/test_declarations.py

format: setup  ## put the code into the style that `make lint` checks
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: setup  ## measure; see docs for what
	@$(BIN)/python -m bench $(ARGS)

bench-peers: setup  ## prepare what the live pipeline is measured against, in FOLDER=path
	@$(PYTHON) -m bench.peers $(FOLDER)

airflow: setup  ## start the local stack and Airflow with the DAGs, and print a login
	@$(PYTHON) -m infra.local.setup airflow
	@$(TONEARM) airflow

docs: setup  ## build the site of tables: columns, checks, lineage, row counts
	@$(TONEARM) docs

lock:  ## write the locks of requirements and jars; UPGRADE=1 takes all that is newer
	@$(PYTHON) -m infra.local.setup $(if $(UPGRADE),upgrade,lock)

clean: down  ## stop everything and leave nothing behind
	@rm -rf .tonearm .venv build dist *.egg-info .ruff_cache .mypy_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
