# Every target sets itself up: Python 3.11 or newer with venv is all that the machine must have.
.DEFAULT_GOAL := help
.PHONY: help demo test soak soak-crash soak-cluster soak-hostile soak-oracle soak-sink soak-replay soak-rebuild soak-archive soak-reconcile mutate bench bench-sink bench-replay lint lock clean
BIN := .venv/bin
# Pipeline tests mostly wait; four at a time finish within minutes on two cores. A file's tests share its servers.
BESIDE := -n 4 --dist loadfile --no-loadscope-reorder
LOCKED := uv.lock pyproject.toml .ci/setup .ci/uv.txt

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1#/p' $(MAKEFILE_LIST) | awk -F'#' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: .venv/.runtime  ## Nue activations in, NetSuite documents out, on this machine
	@$(BIN)/nuestream demo $(ARGS)

test: .venv/.dev  ## the whole suite; ARGS="-k name" for a part
	@$(BIN)/python -m tests.environment
	@$(BIN)/python -m pytest -m "not soak" $(BESIDE) $(ARGS)

soak: soak-crash soak-cluster soak-hostile soak-oracle soak-sink soak-replay soak-rebuild soak-archive soak-reconcile  ## the long proofs, all of them (over an hour)

soak-crash: .venv/.dev  ## 20 kills of each worker while 2,000 orders flow into NetSuite
	@$(BIN)/python -m tests.environment
	@NUESTREAM_KILLS=20 NUESTREAM_KILL_ORDERS=2000 $(BIN)/python -m pytest -s tests/streams/test_crashes.py $(ARGS)
	@$(BIN)/python -m pytest -s -m soak tests/streams/test_state_rebuild.py $(ARGS)

soak-cluster: .venv/.dev  ## 50 workers and 5 of 3 brokers killed, 5 workers stopped, under 20,000 orders
	@$(BIN)/python -m tests.environment
	@NUESTREAM_CLUSTER_ORDERS=20000 NUESTREAM_CLUSTER_KILLS=50 NUESTREAM_CLUSTER_BROKER_KILLS=5 NUESTREAM_CLUSTER_STOPS=5 \
	    $(BIN)/python -m pytest -s tests/streams/test_cluster_crashes.py $(ARGS)

soak-hostile: .venv/.dev  ## 100,000 bad records among good orders, and bursts of giants
	@$(BIN)/python -m tests.environment
	@NUESTREAM_HOSTILE=100000 $(BIN)/python -m pytest -s tests/streams/test_hostile_bytes.py -k every_good $(ARGS)
	@$(BIN)/python -m pytest -s -m soak tests/streams/test_hostile_records.py $(ARGS)

soak-oracle: .venv/.dev  ## 10,000 histories judged by the projection and by the oracle
	@NUESTREAM_ORACLE_HISTORIES=10000 $(BIN)/python -m pytest --timeout 1800 tests/projections/test_oracle.py $(ARGS)

soak-sink: .venv/.dev  ## 20,000 commands into a NetSuite with every fault at once, and 20 kills of the sink
	@$(BIN)/python -m tests.environment
	@NUESTREAM_STORM_COMMANDS=20000 NUESTREAM_STORM_CUSTOMERS=2000 NUESTREAM_STORM_KILLS=20 \
	    $(BIN)/python -m pytest -s tests/streams/test_sink_storm.py $(ARGS)
	@NUESTREAM_REQUEST_KILLS=20 $(BIN)/python -m pytest -s tests/streams/test_dead_letter_kills.py $(ARGS)
	@$(BIN)/python -m pytest -s -m soak tests/streams/test_sink_shared.py $(ARGS)

soak-replay: .venv/.dev  ## 20,000 orders by Faust and by a replay, of the topic and of its archive; 1,000 looks back
	@$(BIN)/python -m tests.environment
	@NUESTREAM_REPLAY_ORDERS=20000 NUESTREAM_REPLAY_LOOKS=1000 $(BIN)/python -m pytest -s --timeout 3600 tests/streams/replay $(ARGS)

soak-rebuild: .venv/.dev  ## an account that lost a third of 3,000 orders' documents, and 20 kills of its rebuild
	@$(BIN)/python -m tests.environment
	@NUESTREAM_REBUILD_ORDERS=3000 NUESTREAM_REBUILD_KILLS=20 $(BIN)/python -m pytest -s --timeout 3600 tests/streams/rebuild $(ARGS)

soak-archive: .venv/.dev  ## 50 kills of `archive export` and of `archive import`, and a log that replaces another
	@$(BIN)/python -m tests.environment
	@NUESTREAM_ARCHIVE_KILLS=50 $(BIN)/python -m pytest -s tests/streams/archive/test_kills.py tests/streams/archive/test_cut_over.py $(ARGS)

soak-reconcile: .venv/.dev  ## 20 accounts with 500 planted discrepancies each, and none while orders flow
	@$(BIN)/python -m tests.environment
	@NUESTREAM_RECONCILE_SEEDS=20 $(BIN)/python -m pytest -s tests/streams/reconcile/test_planted.py \
	    tests/streams/reconcile/test_under_traffic.py $(ARGS)

mutate: .venv/.dev  ## break projections/ in thousands of small ways, and see which the tests notice (hours)
	@NUESTREAM_ORACLE_HISTORIES=30 $(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results

bench: .venv/.dev  ## the measurements
	@$(BIN)/python -m tests.benchmarks $(ARGS)

bench-sink: .venv/.dev  ## the sink: use of an account's limit, calls per order, a poisoned customer, memory; ARGS="--part calls"
	@$(BIN)/python -m tests.benchmarks sink $(ARGS)

bench-replay: .venv/.dev  ## how fast the log is folded again, beside consuming and decoding it, Faust and Quix Streams
	@test -x .venv-quix/bin/python || { python3 -m venv .venv-quix && .venv-quix/bin/pip install --quiet --disable-pip-version-check \
	    quixstreams msgspec fastavro tzdata; } || echo "Quix Streams does not install here: it is left out"
	@$(BIN)/python -m tests.benchmarks replay $(ARGS)

lint: .venv/.dev  ## style, types, who may import whom, the lock file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python .ci/lock --check

lock: .venv/.dev  ## write uv.lock anew; ARGS="--upgrade" for newer versions
	@$(BIN)/python .ci/lock $(ARGS)

clean:  ## remove .venv, caches and what builds left
	@rm -rf .venv .venv-quix dist build mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find streams schemas projections sinks tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: $(LOCKED)
	@.ci/setup runtime

.venv/.dev: $(LOCKED)
	@.ci/setup dev
