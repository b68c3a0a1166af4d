# `make` alone lists the targets. VENV=dir puts the virtual environment elsewhere, PYTHON=program picks the interpreter.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
# Tests wait for real servers often enough to keep two cores busy with three. Files go out in their order: those with the
# fewest tests, which would else come last, are the longest ones, and all but one would wait for it in the end.
WORKERS ?= 3
BIN := $(VENV)/bin
UV := $(if $(wildcard $(BIN)/uv),$(BIN)/uv,uv)
UV_LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" pyproject.toml
PACKAGES := tools/system_packages.sh

RUNTIME_STAMP := $(VENV)/.runtime-installed
DEV_STAMP := $(VENV)/.dev-installed

.PHONY: help setup setup-dev run test check format bench fuzz directories screenshots up lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME_STAMP) ## virtual environment with what `make run` needs
	@:

setup-dev: $(DEV_STAMP) ## the same, with what tests and checks need
	@:

run: setup ## start the server on 127.0.0.1:8080, data in ./var
	@exec $(BIN)/idp serve

test: setup-dev check ## set up, check, and run every test
	@bash $(PACKAGES) test
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-dev ## lint, format, types, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/codespell

format: setup-dev ## put the source into the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup-dev ## speed against a bare server, as ratios (ARGS=--quick for small sizes)
	@bash $(PACKAGES) bench
	@$(BIN)/python -m tests.bench $(ARGS)

fuzz: setup-dev ## odd requests to a real server, mutated LDAP messages, property tests at length (ARGS="--part ldap")
	@$(BIN)/python -m tests.fuzz $(ARGS)

directories: setup-dev ## the bridge through every change of a real 389 Directory Server and a real domain of Samba (as root)
	@bash $(PACKAGES) directories
	@$(BIN)/python -m pytest tests/ldap_bridge/servers $(ARGS)

screenshots: setup-dev ## take the README's pictures from the real pages, into docs/images
	@bash $(PACKAGES) test
	@$(BIN)/python -m tests.support.screenshots

up: .env ## everything in containers: server, MongoDB, OpenLDAP, mail catcher
	@docker compose up --build

.env:
	@umask 077 && echo "LDAP_ADMIN_PASSWORD=$$(head -c 18 /dev/urandom | base64)" > $@
	@echo "Made $@ with random passwords"

lock: ## resolve the dependencies again and pin them by hash (ARGS=--upgrade for newer ones; needs uv)
	@$(UV_LOCK) --group build -o requirements.lock $(ARGS)
	@$(UV_LOCK) --group build --group test --group dev --constraint requirements.lock -o requirements-dev.lock $(ARGS)

clean: ## remove the virtual environment, caches and build output (never ./var)
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- virtual environment ---

$(BIN)/python:
	@bash tools/make_venv.sh $(VENV) $(PYTHON)

$(RUNTIME_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@bash tools/install.sh $(VENV) requirements.lock
	@touch $@
	@echo "Ready: $(BIN)/idp"

$(DEV_STAMP): requirements-dev.lock $(RUNTIME_STAMP)
	@bash tools/install.sh $(VENV) requirements-dev.lock
	@touch $@
