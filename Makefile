# Everything a bare machine needs: Python 3.10 to 3.14 and a package index.
PYTHON ?= python3
# Sets of strings have the same order in every run.
export PYTHONHASHSEED := 0
# Threads that wait sleep: those that spin, as is OpenMP's default, take a busy machine's time from the one they wait for.
export OMP_WAIT_POLICY ?= passive
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The steps of the workflow, read from project.yml, so that each can be timed.
STEPS = $(shell $(BIN)/python -c "import srsly; print(*srsly.read_yaml('project.yml')['workflows']['all'])")
# Other settings of the workflow, e.g. make run VARS="--vars.seed 1 --vars.gpu_id 0"
VARS ?=

.PHONY: help install run test lint docs test-slow test-corpora test-versions bench audit sbom release clean

help:
	@echo "make run           train, evaluate, package and install en_medmtl on the bundled sample corpus (CPU: 15 minutes with native bfloat16, up to 40 without)"
	@echo "make test          lint, types and tests"
	@echo "make docs          the docs site, in site/"
	@echo "make test-slow     tests that take minutes"
	@echo "make test-corpora  tests on public corpora in ../shared/corpora"
	@echo "make test-versions tests with the lowest and newest versions of everything, each Python there is (nox)"
	@echo "make bench         cost of pipelines beside others (after make run; EDSNLP=python of an environment with edsnlp)"
	@echo "make audit         known vulnerabilities and licences of what is installed with the package"
	@echo "make release       wheel, source and bill of materials in dist/"
	@echo "make clean         remove everything that the above made"

$(STAMP): setup.cfg constraints.txt
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v < (3, 15) else f'Python {v[0]}.{v[1]} found, 3.10 to 3.14 needed: make PYTHON=python3.12 ...')"
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

$(BIN)/mkdocs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	@touch $@

docs: $(BIN)/mkdocs
	$(BIN)/mkdocs build --strict

# A process a core, up to four, one torch thread each; files stay whole, so that their fixtures are made once.
test: export OMP_NUM_THREADS ?= 1
test: lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

test-corpora: $(STAMP)
	$(BIN)/python -m pytest -m corpora

test-versions: $(STAMP)
	$(BIN)/python -m nox

# One thread, in turns: a busy machine makes it slower, and hardly another.
EDSNLP ?=
bench: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bench_pipeline.py $(if $(EDSNLP),--edsnlp-python $(EDSNLP)) $(BENCH)

# What 'pip install spacy-medmtl' brings, and nothing of ours for development.
RUNTIME := .venv-runtime
$(RUNTIME)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv --clear $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt .
	$(RUNTIME)/bin/python -m pip uninstall --quiet --yes pip
	@touch $@

$(BIN)/pip-audit: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[release]"
	@touch $@

audit: $(BIN)/pip-audit $(RUNTIME)/.installed
	$(BIN)/pip-licenses --python $(RUNTIME)/bin/python --order license --with-urls --ignore-packages spacy-medmtl
	$(BIN)/python -m pip --python $(RUNTIME)/bin/python freeze --exclude spacy-medmtl | sed 's/+[a-z0-9.]*$$//' > $(RUNTIME)/freeze.txt
	@$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r $(RUNTIME)/freeze.txt || { \
		echo "Vulnerable versions are listed above; if there is no list, the advisories of PyPI could not be fetched, and nothing was audited."; \
		exit 1; }

sbom: $(BIN)/pip-audit $(RUNTIME)/.installed
	@mkdir -p dist
	$(BIN)/cyclonedx-py environment $(RUNTIME)/bin/python --output-reproducible --output-file dist/spacy-medmtl.cdx.json

release: sbom
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) $(RUNTIME) .nox dist site corpus training metrics packages assets/encoder project.lock
