# `make check` is what CI runs after setting up; `make format` mends what can be mended.
PYTHON ?= python

.PHONY: check lint types levels test build format clean

check: lint types levels build

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

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
