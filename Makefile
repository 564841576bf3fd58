# `make check` is what CI runs after setting up; `make format` mends what can be mended.
PYTHON ?= python

.PHONY: check lint types levels test build docs format clean reproduce-shipped

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

# The variable leaves out the theme's notice of its own future, which is no warning of ours.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The shipped bundle from data and seed: hours of two cores. Stopped, it goes on at the next call.
reproduce-shipped:
	$(MAKE) --file factory/shipped.mk --jobs 2
