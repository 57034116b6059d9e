# Two commands: `make run` sets everything up and serves; `make test` sets up what tests need and runs them.

BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run test test-long test-fast check man bench bench-peers soak clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

run: ## Set up what is missing, then serve desktops and print the address
	@scripts/setup.sh run
	@$(BIN)/tsgateway image build desktop
	@$(BIN)/tsgateway init
	@exec $(BIN)/tsgateway serve --keep

test: ## Set up what tests need (browsers too) and run them, but for those of test-long
	@scripts/setup.sh test
	@scripts/test.sh

test-long: ## What `make test` leaves out: people at shared machines, all of the client in Firefox
	@scripts/setup.sh test
	@$(BIN)/python -m pytest -q -m long -n 3 --dist loadfile --no-loadscope-reorder --durations=15

test-fast: ## Only the tests that need no guest and no browser
	@scripts/setup.sh test
	@$(BIN)/python -m pytest -q -m "not qemu and not browser and not slow and not long"

check: ## Lint, formatting and types of both languages, import contracts
	@scripts/setup.sh check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd tests/webclient && npm run --silent check

man: ## Write man pages of tsadmin to build/man
	@scripts/setup.sh run
	@$(BIN)/python -m tsgateway.admin.reference build/man --man

bench: ## Measure; prints a table, writes JSON to bench/results
	@scripts/setup.sh test
	@$(BIN)/python -m bench

bench-peers: ## Measure beside other programs that are installed; a page of plots too
	@scripts/setup.sh test
	@$(BIN)/python -m bench.peers

soak: ## Kill everything at random under people at work: make soak MINUTES=10 SEED=1
	@scripts/setup.sh test
	@$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),10) $(addprefix --seed ,$(SEED))

clean: ## Remove what set-up made in this folder; guests and accounts stay
	rm -rf .venv .cache webclient/node_modules tests/e2e/node_modules
