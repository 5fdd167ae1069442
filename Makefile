# `make help` lists what there is. A target that takes words takes them as variables: `make route NAME=tags-list`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help test test-cluster bench check generate migration route fmt install clean

# Backtraces of tests are long and rarely needed; `make test RUST_BACKTRACE=1` shows them.
export RUST_BACKTRACE ?= 0

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what tests and the local cloud run on (apt, and a Python environment)
	@shared/services/install

test: install ## Run every test on real services, which it starts and stops. ARGS="-p route json" runs a part
	@echo "test: building the functions and the tests"
	@cargo build --locked --workspace --bins
	@cargo test --locked $(if $(ARGS),$(ARGS),--workspace --lib --test '*') --no-run
	@echo "test: starting Postgres, PgBouncer, Redis and LocalStack"
	@target/debug/services run -- cargo test --locked $(if $(ARGS),$(ARGS),--workspace --lib --test '*')

test-cluster: install ## Run the suite again, with a Redis Cluster of three nodes
	@cargo build --locked --workspace --bins
	@cargo test --locked -p testing --test suite --no-run
	@echo "test-cluster: starting Postgres, PgBouncer, three nodes of Redis and LocalStack"
	@target/debug/services run --redis-cluster -- cargo test --locked -p testing --test suite $(ARGS)

bench: install ## Measure what the design promises, some minutes. ROWS=10000000 for as many tasks
	@echo "bench: building the functions for release, by themselves: another package would add to what they are made of"
	@cargo build --release --locked $(BENCH_FUNCTIONS)
	@echo "bench: building the benchmark"
	@cargo build --release --locked -p bench
	@target/release/bench --docs $(if $(ROWS),--rows $(ROWS)) $(ARGS)

BENCH_FUNCTIONS := $(foreach name,tasks-get tasks-create tasks-list migrate,-p $(name) --bin $(name)) -p probe --bin do-nothing

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

clean: ## Remove what was built and what runs left behind
	@cargo clean
	@rm -rf .local
