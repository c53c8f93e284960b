# Everything a bare machine needs: Python 3.10 to 3.13 and a package index.
PYTHON ?= python3
# Sets of strings (spaCy's sentencizer saves one) have the same order in every run.
export PYTHONHASHSEED := 0
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The steps of the workflow, read from project.yml, so that each can be timed.
STEPS = $(shell $(BIN)/python -c "import srsly; print(*srsly.read_yaml('project.yml')['workflows']['all'])")
# Other settings of the workflow, e.g. make run VARS="--vars.seed 1 --vars.gpu_id 0"
VARS ?=

.PHONY: help install run test lint test-slow test-corpora clean

help:
	@echo "make run           train, evaluate, package and install en_medmtl on the bundled sample corpus (CPU: about 15 minutes)"
	@echo "make test          lint, types and tests"
	@echo "make test-slow     tests that take minutes"
	@echo "make test-corpora  tests on public corpora in ../shared/corpora"
	@echo "make clean         remove everything that the above made"

$(STAMP): setup.cfg constraints.txt
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v < (3, 14) else f'Python {v[0]}.{v[1]} found, 3.10 to 3.13 needed: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

install: $(STAMP)

run: $(STAMP)
	@total=$$(date +%s); \
	for step in $(STEPS); do \
		start=$$(date +%s); \
		PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m spacy project run $$step . $(VARS) || exit 1; \
		echo "--- $$step: $$(( $$(date +%s) - start )) s, $$(( $$(date +%s) - total )) s in all"; \
	done

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

test-corpora: $(STAMP)
	$(BIN)/python -m pytest -m corpora

clean:
	rm -rf $(VENV) corpus training metrics packages assets/encoder project.lock
