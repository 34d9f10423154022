# Every target makes the environment it needs; PYTHON and VENV can be set.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made
WORKERS ?= auto

.PHONY: demo test lint live kills backfill machines mutants simulate bench docs clean

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[testing]' --group dev
	touch $@

demo: $(STAMP)  ## an RT and a Hiveminder on loopback ports, kept in step before your eyes
	$(BIN)/python tests/demo/demo.py

test: $(STAMP)  ## all tests but the live ones and the kills, with branch coverage
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not live and not kills' --cov --cov-report=term $(ARGS)

lint: $(STAMP)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(BIN):$$PATH" $(BIN)/lint-imports --no-cache

live: $(STAMP)  ## the contract and every pair of RT, Trac, Redmine, Roundup and Taskwarrior, the real ones
	$(BIN)/python -m pytest -n 2 --dist loadfile -m live tests/live $(ARGS)

kills: $(STAMP)  ## SIGKILL at random moments of syncs and exchanges; every line cut at every request
	$(BIN)/python -m pytest -n 2 --dist loadfile -m kills tests/kills tests/peers -rP $(ARGS)

backfill: $(STAMP)  ## a first sync of 20,000 tickets against limited trackers, killed 20 times, and its time left
	PROPHET_HUB_BACKFILL=20000 $(BIN)/python -m pytest -m kills tests/kills/test_backfill.py -s $(ARGS)

machines: $(STAMP)  ## families of replicas, 20,000 on merge/ in memory and 500 on the real store
	PROPHET_HUB_EXAMPLES=20000 $(BIN)/python -m pytest -n 2 tests/merge/test_machine.py -rP $(ARGS)
	PROPHET_HUB_EXAMPLES=500 $(BIN)/python -m pytest tests/engine/test_machine.py -rP $(ARGS)

mutants: $(STAMP)  ## switches off each guard, looks what falls, and writes the tables of it
	$(BIN)/python -m pytest -n $(WORKERS) tests/merge/test_mutants.py tests/foreign/test_mutants.py tests/failures/test_table.py $(ARGS)
	$(BIN)/python docs/generate.py

simulate: $(STAMP)  ## 10,000 worlds of trackers, people and a hub that dies, each from a seed, judged by laws
	$(BIN)/python -m prophet_hub.testing.simulation --worlds 10000 $(ARGS)

bench: $(STAMP)  ## one JSON object per measurement, each a ratio to a floor of the same run
	$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(STAMP)  ## writes the generated parts of the documentation anew
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .demo .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
