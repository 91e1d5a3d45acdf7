# Every target sets up what it needs; nothing has to be installed first but Python 3.11 (and make).
#
#   make demo          walk through the shop, from nothing, on SQLite
#                      (POSTGRESQL=postgresql://owner@host/empty tries its wall there too, with psql;
#                      KEEP=directory leaves database, keys and log there)
#   make test          everything a change must pass: lint, types, floors, tests
#   make test-matrix   the tests on the oldest and newest versions that are supported
#   make fuzz          drawn statements, judged by the library, SQLite and PostgreSQL; SECONDS=60, SEED= to repeat
#   make bench-quick   overhead ratios, fewer rounds
#   make clean         remove the environments and caches

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
MATRIX := oldest sqlalchemy-2.0 sqlalchemy-2.1
# The rooms that import no SQLAlchemy (a rule in pyproject.toml holds them to it) are the same on every version of it;
# "oldest" tries them with the oldest versions of what they do import.
WITHOUT_SQLALCHEMY := policy crypto access accesslog
# Two workers, each with its own PostgreSQL; `make test WORKERS=0` runs in one process, for a debugger.
WORKERS := 2
PYTEST_ARGS :=
SECONDS := 60
SEED :=

.PHONY: help demo test check tests test-matrix fuzz bench-quick clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/python -m examples.shop_app demo $(if $(POSTGRESQL),--postgresql "$(POSTGRESQL)") \
	  $(if $(KEEP),--keep "$(KEEP)")

test: check tests

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

tests: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

test-matrix: $(MATRIX:%=matrix-%)

matrix-%: .venvs/%/.test
	.venvs/$*/bin/python -m pytest -n $(WORKERS) $(PYTEST_ARGS) \
	  $(if $(filter oldest,$*),,$(WITHOUT_SQLALCHEMY:%=--ignore=tests/%))

fuzz: $(VENV)/.test
	@$(BIN)/python -m tests.oracle --seconds $(SECONDS) $(SEED:%=--seed %)

bench-quick: $(VENV)/.test
	@$(BIN)/python -m benchmarks.overhead --quick

$(VENV)/.demo: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) demo,cli,postgres
	@touch $@

$(VENV)/.test: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) test,dev
	@touch $@

.venvs/%/.test: tools/constraints/%.txt pyproject.toml tools/venv.sh
	@tools/venv.sh .venvs/$* test $<
	@touch $@

.PRECIOUS: .venvs/%/.test

clean:
	rm -rf .venv .venvs .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
