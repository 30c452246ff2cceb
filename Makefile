# Two commands do everything: `make run` starts the demo plant, `make test` tests all.
.PHONY: run test check bench screenshots lock peers clean
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SUITE ?= all
WORKERS ?= 3

run: .venv/run.stamp
	@$(BIN)/lianji demo $(if $(PORT),--port $(PORT))

test: .venv/dev.stamp peers check
	tests/run -n $(WORKERS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/bench.stamp peers
	$(BIN)/python -m bench $(SUITE)

screenshots: .venv/dev.stamp
	$(BIN)/python -m tests.screenshots

peers: .venv/dev.stamp
	@tests/peers/install

.venv/bin/python:
	@$(PYTHON) -m venv .venv || { echo "Python 3.11 with venv is missing: apt-get install python3-venv" >&2; exit 1; }

.venv/run.stamp: requirements/run.txt pyproject.toml | .venv/bin/python
	@echo "Setting up the environment (once, about a minute) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

.venv/bench.stamp: requirements/bench.txt .venv/dev.stamp
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@

COMPILE := $(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host

lock: .venv/dev.stamp
	$(COMPILE) --extra demo --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/dev.txt requirements/dev.in
	$(COMPILE) --output-file requirements/bench.txt requirements/bench.in
	@sed -i 's/^\(torch==[0-9.]*\)+cpu$$/\1/' requirements/*.txt

clean:
	rm -rf .venv build dist demo-plant .mypy_cache .ruff_cache .pytest_cache
