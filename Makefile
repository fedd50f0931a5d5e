# Countersign's commands. Each sets up what it needs first, on a bare Debian with Python 3.11 or newer:
#   make run     start everything with the demo in it     (options: make run RUN="--port 9000 --no-demo")
#   make test    run every test on a real PostgreSQL      (options: make test TEST="tests/logs -k csv")
#   make bench   measure every limit; bench/RESULTS.md   (options: make bench BENCH="intake parsers")
#   make messages   renew and compile the messages of the evidence reports (evidence/locale)
#   make check   lint, types, import order, templates, migrations, deployment settings
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Programs start in half of the time when Python keeps what it compiled, which some images forbid.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test check format messages bench

PYTHON := .venv/bin/python
RUN ?=
TEST ?=
BENCH ?=
WORKERS ?= 4
ROOMS := portal evidence reviews alerts logs identities tenants ledger

help:
	@sed -n '2,6s/^# *//p' Makefile

run:
	@bash .ci/set-up run
	@exec $(PYTHON) manage.py run $(RUN)

test:
	@bash .ci/set-up test
	$(PYTHON) -m pytest -n $(WORKERS) $(TEST)

check:
	@bash .ci/set-up check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	.venv/bin/lint-imports
	.venv/bin/djade --check --target-version 5.2 $$(find templates -name "*.html")
	.venv/bin/djlint --lint --quiet templates
	.venv/bin/deptry $(ROOMS)
	COUNTERSIGN_ROLE=owner $(PYTHON) -W ignore manage.py makemigrations --check --dry-run
	COUNTERSIGN_URL=https://countersign.example COUNTERSIGN_HOSTS=countersign.example \
	    $(PYTHON) manage.py check --deploy --fail-level WARNING

format:
	@bash .ci/set-up check
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/djade --target-version 5.2 $$(find templates -name "*.html")

messages:
	@bash .ci/set-up test
	DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) -m tests.messages

bench:
	@bash .ci/set-up test
	$(PYTHON) -m bench $(BENCH)
