# `make check` runs what CI runs after the tests; `make format` formats and fixes what it can.
PYTHON ?= python

# Data sets beside the checkout, where they are there.
ifneq ($(wildcard ../shared/data),)
export SENTIMENT_LSTM_DATA ?= $(abspath ../shared/data)
endif

.PHONY: check lint types levels test build docs format clean factory

check: lint types levels docs build

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

levels:
	$(PYTHON) -m pytest tests/test_levels.py

test:
	$(PYTHON) -m pytest

build:
	$(PYTHON) -m build --no-isolation --outdir dist

# The variable silences the theme's notice about its own future; it is no warning about our pages.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Makes the shipped models from data and seed, which takes hours. After a stop the same call goes on.
factory:
	$(PYTHON) -m factory run
