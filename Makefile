# `make help` lists what there is. A target that takes words takes them as variables: `make route NAME=tags-list`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down invoke trigger queues dlq redrive test test-http test-cluster chaos bench check generate migration route fmt install clean

# Where the targets below look for what was built, whatever the person's own settings say.
export CARGO_TARGET_DIR := $(CURDIR)/target

# The tests that are about requests and answers. Others look into the process, or are about processes anyway.
OVER_HTTP := bad_input cases document_003 events idempotency matrix mutations over_http page_walk rights tokens users

# Backtraces of tests are long and rarely needed; `make test RUST_BACKTRACE=1` shows them.
export RUST_BACKTRACE ?= 0

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what tests and the local cloud run on (apt, and a Python environment)
	@shared/services/install

up: install ## Start the whole system on this machine. DETACH=1 returns when it is ready, WATCH=1 swaps in what you save
	@echo "up: building the functions (the first time takes some minutes)"
	@cargo build --locked --workspace --bins
	@target/debug/local up $(if $(DETACH),--detach)

down: ## Stop it; the data stays
	@if [ -e .local/pids ] && [ ! -x target/debug/local ]; then cargo build --locked --package local; fi
	@if [ -x target/debug/local ]; then target/debug/local down; else echo "nothing was running"; fi

invoke: ## Build, and have one function answer one event, without the gateway. FN=health EVENT=localstack/events/health.json
	@cargo build --locked --quiet --workspace --bins
	@target/debug/local invoke "$(FN)" $(EVENT)

trigger: ## Run a function's schedule now. FN=maintenance RULE=<its name, if it has several>
	@cargo build --locked --quiet --workspace --bins
	@target/debug/local trigger "$(FN)" $(RULE)

# The queues of the local cloud; with AWS=1 those on AWS.
QUEUES = cargo run --quiet --locked --package queue --bin queues -- $(if $(AWS),--aws)

queues: ## What waits in the queues, and how many dead letters there are. AWS=1: on AWS
	@$(QUEUES) list

dlq: ## Look at dead letters. QUEUE=task-notifications, MAX=10, VERBOSE=1 for the bodies, AWS=1
	@$(QUEUES) look "$(QUEUE)" $(MAX) $(if $(VERBOSE),--verbose)

redrive: ## Send dead letters back to their queue. QUEUE=task-notifications, AWS=1
	@$(QUEUES) redrive "$(QUEUE)"

test: install ## Run every test on real services, which it starts and stops. ARGS="-p route json" runs a part
	@echo "test: building the functions and the tests"
	@cargo build --locked --workspace --bins
	@cargo test --locked $(if $(ARGS),$(ARGS),--workspace --lib --test '*') --no-run
	@echo "test: starting Postgres, PgBouncer, Redis and LocalStack"
	@target/debug/services run -- cargo test --locked $(if $(ARGS),$(ARGS),--workspace --lib --test '*')

test-http: install ## Run the suite's requests again, over HTTP through the gateway and processes of functions
	@cargo build --locked --workspace --bins
	@cargo test --locked -p testing --test suite --no-run
	@echo "test-http: starting Postgres, PgBouncer, Redis and LocalStack"
	@TEST_OVER_HTTP=1 target/debug/services run -- cargo test --locked -p testing --test suite -- $(if $(ARGS),$(ARGS),$(OVER_HTTP))

test-cluster: install ## Run the suite again, with a Redis Cluster of three nodes
	@cargo build --locked --workspace --bins
	@cargo test --locked -p testing --test suite --no-run
	@echo "test-cluster: starting Postgres, PgBouncer, three nodes of Redis and LocalStack"
	@target/debug/services run --redis-cluster -- cargo test --locked -p testing --test suite $(ARGS)

chaos: install ## Kill each kind of process thirty times, and see what is lost. CHAOS_KILLS=100 for more
	@cargo build --locked --workspace --bins
	@cargo test --locked -p testing --test suite --no-run
	@echo "chaos: starting Postgres, PgBouncer, Redis and LocalStack; some minutes"
	@CHAOS_KILLS=$${CHAOS_KILLS:-30} target/debug/services run -- \
		cargo test --locked -p testing --test suite -- chaos:: --nocapture --test-threads=1

bench: install ## Measure what the design promises, some minutes. ROWS=10000000 for as many tasks, ARGS="--only behind" for a part
	@echo "bench: building the functions for release, by themselves: another package would add to what they are made of"
	@cargo build --release --locked $(BENCH_FUNCTIONS)
	@echo "bench: building the benchmark"
	@cargo build --release --locked -p bench
	@target/release/bench --docs $(if $(ROWS),--rows $(ROWS)) $(ARGS)

BENCH_FUNCTIONS := $(foreach name,tasks-get tasks-create tasks-list migrate \
	outbox-relay notifications-worker analytics-worker audit-worker exports-worker,-p $(name) --bin $(name)) -p probe --bin do-nothing

check: install ## Format, lints, documentation, dependencies, licences: everything that needs no services
	@scripts/check

generate: ## Write what follows from the code: shared/catalog/routes.txt
	@cargo run --quiet --locked -p catalog
	@git --no-pager diff --stat -- shared/catalog/routes.txt

fmt: ## Format the code
	@cargo fmt --all

migration: ## Make the next migration file. NAME=add_due_reminders
	@scripts/new-migration "$(NAME)"

route: ## Write the folder of a new route. NAME=tags-list METHOD=get ROUTE=/v1/tags
	@scripts/new-route "$(NAME)" "$(METHOD)" "$(ROUTE)"

clean: ## Stop the system, and remove its data and what was built
	@$(MAKE) --silent down
	@if [ -x target/debug/local ]; then target/debug/local remove >/dev/null; fi
	@cargo clean
	@rm -rf .local
