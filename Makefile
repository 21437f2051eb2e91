.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Prefect's telemetry is off for everything started from here, unless your environment turns it on.
export DO_NOT_TRACK ?= 1
export PREFECT_SERVER_ANALYTICS_ENABLED ?= false

.PHONY: help install demo format docs lint test bench serve up down test-docker test-night clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## create .venv with everything pinned in constraints.txt

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "f1-flows needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install ## live through 2024 on a bundled upstream: no network, no server
	@$(BIN)/python -m flows.demo

format: install ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## write docs/data.md and docs/sources.yml anew
	$(BIN)/python -m flows dictionary > docs/data.md
	$(BIN)/python -m flows dictionary --dbt > docs/sources.yml

lint: install ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint ## lint, then run every test, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

bench: install ## measure speed and size as ratios
	$(BIN)/python -m benchmarks

serve: install ## run all flows on their schedules, in one process
	@$(BIN)/python -m flows.serve

up: ## build the image and start PostgreSQL, Prefect and a Docker work pool
	docker compose up --build --detach || { docker compose logs --tail 3 setup; exit 1; }
	@echo "Prefect's UI: http://$$(docker compose port server 4200)"

down: ## stop what make up started; the volumes stay
	docker compose stop worker
	docker ps --quiet --filter network=f1-flows --filter label=io.prefect.flow-run-id | xargs -r docker stop
	docker compose --profile scale down

# A test that takes too long ends as by Ctrl-C, which removes its containers. The images are built before that.
IN_DOCKER := timeout --foreground --signal INT --kill-after 60

test-docker: install ## deploy to a real Docker work pool, check its rows in PostgreSQL, remove everything
	PYTHONPATH=. $(BIN)/python tests/docker/image.py
	$(IN_DOCKER) 900 $(BIN)/python -m pytest tests/docker -m 'not night' --durations 0

test-night: install ## live through a race weekend and failures in containers, and seasons with hot polls: an hour
	PYTHONPATH=. $(BIN)/python tests/docker/image.py
	$(IN_DOCKER) 5400 $(BIN)/python -m pytest tests/docker -m night --durations 0 -rP
	$(BIN)/python -m pytest -m night --durations 0 -rP

clean: ## remove everything that make created
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
