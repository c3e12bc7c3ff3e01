# Every target sets itself up: Python 3.11 or newer with venv is all that the machine must have.
.DEFAULT_GOAL := help
.PHONY: help demo test soak bench lint lock clean
BIN := .venv/bin
# Pipeline tests mostly wait; three at a time finish within minutes on two cores. A file's tests share its servers.
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder
LOCKED := uv.lock pyproject.toml .ci/setup .ci/uv.txt

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1#/p' $(MAKEFILE_LIST) | awk -F'#' '{ printf "%-14s %s\n", $$1, $$2 }'

demo: .venv/.runtime  ## Nue activations in, NetSuite documents out, on this machine
	@$(BIN)/nuestream demo $(ARGS)

test: .venv/.dev  ## the whole suite; ARGS="-k name" for a part
	@$(BIN)/python -m tests.environment
	@$(BIN)/python -m pytest $(BESIDE) $(ARGS)

soak: .venv/.dev  ## 20 kills of each worker while 2,000 orders flow
	@$(BIN)/python -m tests.environment
	@NUESTREAM_KILLS=20 NUESTREAM_KILL_ORDERS=2000 $(BIN)/python -m pytest -s tests/streams/test_crashes.py $(ARGS)

bench: .venv/.dev  ## the measurements
	@$(BIN)/python -m tests.benchmarks $(ARGS)

lint: .venv/.dev  ## style, types, who may import whom, the lock file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python .ci/lock --check

lock: .venv/.dev  ## write uv.lock anew; ARGS="--upgrade" for newer versions
	@$(BIN)/python .ci/lock $(ARGS)

clean:  ## remove .venv, caches and what builds left
	@rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find streams schemas projections sinks tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: $(LOCKED)
	@.ci/setup runtime

.venv/.dev: $(LOCKED)
	@.ci/setup dev
