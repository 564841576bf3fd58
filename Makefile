# `make check` runs what CI runs after the tests; `make format` formats and fixes what it can.
PYTHON ?= python

# Data sets beside the checkout, if that folder exists.
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

# The variable hides a message of the theme about MkDocs 2.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Makes the shipped models again, which takes hours. Run it again to continue after a stop.
factory:
	$(PYTHON) -m factory run
