# Every target sets up what it needs; nothing has to be installed first but Python 3.11 (and make).
#
#   make demo          walk through the shop, from nothing, on SQLite
#                      (POSTGRESQL=postgresql://owner@host/empty tries its wall there too, with psql;
#                      KEEP=directory leaves database, keys and log there)
#   make shop          the shop on the web, with data in it, on SQLite (DATABASE_URL=postgresql://owner@host/empty: there, with
#                      the wall up; KEEP=directory keeps it and opens it again; PORT=8000); docs/shop.md
#   make test          everything a change must pass: lint, types, floors, tests
#   make thorough      the tests, with all that CI spares itself
#   make test-matrix   the tests on the oldest and newest versions that are supported
#   make fuzz          drawn statements, judged by the library, SQLite and PostgreSQL; SECONDS=60, SEED= to repeat
#   make rules         drawn statements under row rules give the rows of a database without the others; RULED=2000
#   make mixups        two keyrings at once in threads and asyncio: is a cell under the wrong key? CELLS=1000000
#   make kill          a sealing job, readers under the access log, and its shipper, killed at KILLS=100 random moments each
#   make soak          a shop under mixed load for MINUTES=20 while what it stands on fails, and a judge at the end (Linux)
#   make mutants       mutation tests of the sealing (docs/mutation.md); MUTANTS='sa_privacy.crypto.cell*' for a part
#   make bench         all benchmarks, their tables and pictures; three quarters of an hour, on a quiet machine (ONLY='overhead sealing')
#   make bench-quick   overhead beside plain SQLAlchemy and the peers, coarsely, in a minute
#   make package       builds wheel and sources, and follows the tutorial with the wheel, where nothing else is installed
#   make docs          the documentation as a site, in build/site; a link that leads nowhere fails
#   make diagrams      draws its diagrams anew, where one was changed; needs npm and Chromium
#   make clean         remove the environments and caches

# Compiled tests are kept: each run, and each process that a test starts, would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
MATRIX := oldest sqlalchemy-2.0 sqlalchemy-2.1
# `make test` runs everything on the newest SQLAlchemy, on SQLite and PostgreSQL, with each of its async drivers; so does
# `make test-matrix` on the others, but for what is listed below. CI says SHARED=1, for want of time, and its three runs then
# share the databases: what runs on SQLite on the newest and on the newest 2.0 runs on PostgreSQL on the oldest, and the other
# way round. So each test has run on both databases, and on each version that it is not left out of below. Rooms where much
# depends on the database, or that one run has to itself (ON_BOTH), run on both in the first. And in CI
#  - a third of the examples is drawn, the same in each run (tests/support/draws.py), and none on the newest 2.0;
#  - an attack case that is not async itself goes through the async engine of one database, not of each.
# `make thorough` makes the first run without any of this, as `make test` does wherever CI is not set.
#
# On the two 2.0 everything runs that a version of it can change. Left out there is only this. Whole files and directories are
# not even imported: each class that is mapped makes every Privacy of the run dearer.
#  - on both, raw cursors before a wall: SQLAlchemy opens the connection, and the database refuses. That a wall goes up,
#    follows the access and lets through what is allowed (all else in tests/walls/test_*_run.py and the like) does run;
#    and the fuzzer's own work on a leak that was planted, the published documents, the shop's pages, the benchmarks' own tests, a
#    cluster of Dask, and the commands, which call what runs there itself;
#  - on the oldest, what neither SQLAlchemy nor another dependency decides: killed processes, forks, full and slow disks
#    under the log, its proofs, drawn policies, and two more walks through the demo, which runs there in both languages. The
#    rooms that import no SQLAlchemy (a rule in pyproject.toml holds them to it) do run, with the oldest versions of what they
#    import;
#  - on the newest 2.0, which lies between the other two and shall show what only it does otherwise: those rooms; what stands
#    on top and runs on the versions on both sides (customers' rights, staff, jobs, ledgers, people's keys, demo, a user's
#    models under mypy); walls; rules of rows, which conditions in the same statements are; the fuzzer; and what the gate only
#    says of a statement, to explain or observe it, by the judgement by which it refuses.
RAW_CURSORS := walls/test_attack_cases.py::test_a_raw_cursor_gets_nothing_from_an_attack
LEFT_OUT := $(RAW_CURSORS) oracle/test_oracle.py::test_a_leak_is_found_made_small_and_made_a_case cli/ publish/ docs/ shop/web/ \
  benchmarks/ jobs/test_dask.py
LEFT_OUT_oldest := $(LEFT_OUT) policy/test_policy_properties.py \
  $(patsubst %,accesslog/test_%.py,trouble fork fsync keeping proving moments) \
  jobs/test_killed.py jobs/test_together.py customers/retention/test_together.py \
  customers/erasure/test_replay_together.py shop/test_demo.py::test_the_command_runs shop/test_demo.py::test_the_demo_shows_what_psql_said \
  discovery/ integrations/web/ testing/
LEFT_OUT_sqlalchemy-2.0 := $(LEFT_OUT) policy/ crypto/ access/ accesslog/ customers/ staff/ bulk/ jobs/ ledger/ subject_keys/ \
  shop/ typing/ oracle/ discovery/ integrations/web/ testing/ walls/ gate/test_own_rows.py gate/test_row_rules.py gate/test_row_rules_differential.py gate/test_explain.py \
  gate/test_observe.py::test_what_would_be_denied_is_what_an_engine_that_enforces_denies \
  gate/test_observe_tables.py::test_statements_of_every_kind_run_just_where_only_observed_tables_stand_against_them
SHARED :=
ON_BOTH := $(patsubst %,--on-both=tests/%/,attack_cases columns lookup walls cli publish docs shop)
ONE_DATABASE_newest := $(SHARED:%=--one-database=even $(ON_BOTH))
ONE_DATABASE_oldest := $(SHARED:%=--one-database=odd)
ONE_DATABASE_sqlalchemy-2.0 := $(SHARED:%=--one-database=even -m "not hypothesis")
# Rooms are tested by processes of their own, the longest first: each class that is mapped in a process makes every Privacy of it
# dearer, and what a file sets up, it sets up once. Each process has a PostgreSQL server of its own, and WORKERS of them run at a
# time. `make tests PARTS=gate` tests one part; for a debugger call pytest itself, since what parts print is kept until they end.
ROOM_customers := customers/
ROOM_gate := gate/
ROOM_walls := walls/ oracle/ dropin/
ROOM_people := staff/ ledger/ subject_keys/
ROOM_commands := cli/ docs/ publish/
ROOM_attacks := attack_cases/ footprint/ columns/ lookup/
ROOM_log := accesslog/ benchmarks/
ROOM_work := bulk/ jobs/ integrations/ shop/ testing/
PARTS := gate customers commands walls log work people attacks rest
ROOM_rest := $(filter-out $(foreach part,$(PARTS),$(ROOM_$(part))) __pycache__/ support/, \
  $(patsubst tests/%,%,$(wildcard tests/*/) $(wildcard tests/test_*.py))) support/
WORKERS := 2
PYTEST_ARGS :=
SECONDS := 60
KILLS := 100
SEED :=
CELLS := 1000000
MINUTES := 20
RULED := 2000
MUTANTS :=
ONLY :=

.PHONY: help demo shop test check tests thorough test-matrix fuzz rules mixups kill soak mutants bench bench-quick package docs diagrams clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/python -m examples.shop_app demo $(if $(POSTGRESQL),--postgresql "$(POSTGRESQL)") \
	  $(if $(KEEP),--keep "$(KEEP)")

shop: $(VENV)/.shop
	@$(BIN)/python -m examples.shop_app.web $(if $(KEEP),--keep "$(KEEP)") $(if $(PORT),--port "$(PORT)")

test: check tests

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Whoever called make with --jobs has said how many.
JOBS = $(if $(findstring --jobserver,$(MAKEFLAGS)),,--jobs=$(WORKERS) --output-sync=target)

tests: $(VENV)/.test
	+@$(MAKE) --no-print-directory --keep-going $(JOBS) $(PARTS:%=newest-%)

thorough: $(VENV)/.test
	+@env -u CI $(MAKE) --no-print-directory --keep-going $(JOBS) $(PARTS:%=newest-%)

test-matrix: $(MATRIX:%=matrix-%)

matrix-%: .venvs/%/.test
	+@$(MAKE) --no-print-directory --keep-going $(JOBS) $(PARTS:%=$*-%)

# One part of the tests in one environment, but for what is left out there.
BIN_newest := $(BIN)
define PART
.PHONY: $(1)-$(2)
$(1)-$(2):
	$$(if $$(filter-out $$(LEFT_OUT_$(1)),$$(ROOM_$(2))),\
	  $$(or $$(BIN_$(1)),.venvs/$(1)/bin)/python -m pytest \
	  $$(patsubst %,tests/%,$$(filter-out $$(LEFT_OUT_$(1)),$$(ROOM_$(2)))) $$(PYTEST_ARGS) $$(ONE_DATABASE_$(1)) \
	  $$(patsubst %,--ignore=tests/%,$$(filter %/ %.py,$$(LEFT_OUT_$(1)))) \
	  $$(patsubst %,--deselect=tests/%,$$(filter-out %/ %.py,$$(LEFT_OUT_$(1)))),@:)
endef
$(foreach leg,newest oldest sqlalchemy-2.0 sqlalchemy-2.1,$(foreach part,$(PARTS),$(eval $(call PART,$(leg),$(part)))))

fuzz: $(VENV)/.test
	@$(BIN)/python -m tests.oracle --seconds $(SECONDS) $(SEED:%=--seed %)

rules: $(VENV)/.test
	SA_PRIVACY_RULED_STATEMENTS=$(RULED) $(BIN)/python -m pytest tests/gate/test_row_rules_differential.py -s $(PYTEST_ARGS)

mixups: $(VENV)/.test
	@$(BIN)/python -m tests.crypto.mixups --cells $(CELLS) --backend sqlite
	@$(BIN)/python -m tests.crypto.mixups --cells $(CELLS) --backend postgresql

kill: $(VENV)/.test
	SA_PRIVACY_KILLS=$(KILLS) $(BIN)/python -m pytest tests/jobs/test_killed.py tests/gate/test_durable.py \
	  tests/accesslog/test_trouble.py tests/accesslog/sinks -k kill $(PYTEST_ARGS)

soak: $(VENV)/.test
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) $(SEED:%=--seed %)

# CI=1: Hypothesis then draws the same examples in every run; here all of them, where CI is content with fewer.
mutants: .venvs/mutation/.test
	@CI=1 SA_PRIVACY_ALL_EXAMPLES=1 .venvs/mutation/bin/mutmut run $(MUTANTS)
	@.venvs/mutation/bin/mutmut results

bench: $(VENV)/.bench
	@$(BIN)/python -m benchmarks $(ONLY)

bench-quick: $(VENV)/.bench
	@$(BIN)/python -m benchmarks.overhead --quick

package:
	@tools/package.sh

docs: $(VENV)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "build/site/index.html"

diagrams:
	@python3 tools/diagrams.py

$(VENV)/.docs: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) test,dev,docs
	@touch $@ $(VENV)/.test

$(VENV)/.bench: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) test,dev,bench
	@touch $@ $(VENV)/.test

$(VENV)/.demo: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) demo,cli,postgres
	@touch $@

$(VENV)/.shop: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) shop
	@touch $@

$(VENV)/.test: pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) test,dev
	@touch $@

.venvs/%/.test: tools/constraints/%.txt pyproject.toml tools/venv.sh
	@tools/venv.sh .venvs/$* test $<
	@touch $@

.venvs/mutation/.test: pyproject.toml tools/venv.sh
	@tools/venv.sh .venvs/mutation test,mutation
	@touch $@

.PRECIOUS: .venvs/%/.test

clean:
	rm -rf mutants .venv .venvs .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
