# Commands for a fresh machine with Python 3.11 and make:
#   make demo      the main job in minutes, on paintings the package makes itself
#   make test      lint, and the tests that every change runs
#   make test-all  every test, also those that repeat the same code; nightly
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# One more than two cores: some tests wait for processes that they start.
PYTEST = $(BIN)/python -m pytest -n 3 --dist loadfile -q
# TensorFlow's start-up chatter says nothing that a user can act on.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: install demo lint test test-all

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/artkd train --recipe demo --minutes 3

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(PYTEST)

test-all: install
	$(PYTEST) --exhaustive
