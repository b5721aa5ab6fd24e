# `make help` lists the commands. Everything lands in .venv and tests/claude/node/node_modules; nothing outside is touched.
# The first Python of 3.11 or newer on PATH is taken; to name another: `make PYTHON=/path/to/python3.12 setup`.
PYTHON ?= $(or $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done),python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
CLIENT := tests/claude/node
OTHERS := tests/conformance/node
NPM    := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps
LOCKED := $(PIP) --require-hashes

# For example: make test PYTEST_ARGS="tests/core -x"; make demo DEMO_ARGS="--yes-under 0.05"
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
CHAOS_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-client fmt lint types imports test cov chaos bench docs screens demo all clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/project ## make .venv from the lock, ready for `.venv/bin/stratum`

setup-dev: $(STAMPS)/dev ## the same, plus what tests and checks need

fmt: $(STAMPS)/dev ## format, and fix what can be fixed safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMPS)/dev ## format and lint rules, nothing changed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMPS)/dev ## pyright strict
	$(BIN)/pyright

imports: $(STAMPS)/dev ## the order of the stages, and who may import what
	$(BIN)/lint-imports --no-logo

# The client's tests wait for screens, so they run one after the other; 5 is pytest's "none of these were selected".
test: $(STAMPS)/dev setup-client ## every test that needs no key, the real Claude Code client included
	$(BIN)/pytest -n logical --dist worksteal -m "not claude" $(PYTEST_ARGS)
	$(BIN)/pytest -m claude $(PYTEST_ARGS) || [ $$? -eq 5 ]

cov: $(STAMPS)/dev setup-client ## the same with branch coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

chaos: $(STAMPS)/dev ## disturb runs in every way, 100 rounds each, and count broken promises
	$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

bench: $(STAMPS)/dev $(STAMPS)/peers ## measure ours beside the peers
	$(BIN)/python -m bench $(BENCH_ARGS)

docs: $(STAMPS)/project ## write the pages and tables that are made from the code
	$(BIN)/python tools/write_docs.py

screens: $(STAMPS)/dev setup-client ## take the screens of docs/conversations.md anew from the real client
	STRATUM_WRITE_SCREENS=1 $(BIN)/pytest tests/claude/test_conversations.py

demo: $(STAMPS)/project ## the review job with the offline model: plan, one question, results.csv
	$(BIN)/stratum demo $(DEMO_ARGS)

all: lint types imports test ## what the continuous build runs

clean: ## remove what make made
	rm -rf $(VENV) $(CLIENT)/node_modules $(OTHERS)/node_modules

# --- environment: one stamp a step, so that a second call does nothing -------------------------------------------

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { echo "stratum: no '$(PYTHON)' on PATH; install Python 3.11 or newer," \
	  "or name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "stratum: needs Python 3.11 or newer," \
	  "but '$(PYTHON)' is $$($(PYTHON) --version 2>&1); name a newer one:" \
	  "make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo "stratum: '$(PYTHON) -m venv' failed (above);" \
	  "on Debian and Ubuntu install the package python3-venv" >&2; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements/build.txt requirements/runtime.txt | $(STAMPS)/venv
	@echo "Installing the locked dependencies into $(VENV) (about half a minute) ..."
	@$(LOCKED) -r requirements/build.txt -r requirements/runtime.txt
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/runtime
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/project
	@echo "Installing what the tests and checks need ..."
	@$(LOCKED) -r requirements/dev.txt
	@touch $@

# The libraries we are measured against get an environment of their own: ours is not to depend on them.
$(STAMPS)/peers: requirements/peers.txt | $(STAMPS)/venv
	@echo "Installing the libraries that are measured beside ours ..."
	@$(BIN)/python -m venv --clear $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements/peers.txt
	@touch $@

# Programs of npm are wanted, not needed: without npm their tests say so and skip, unless STRATUM_REQUIRE_CLAUDE=1.
# Install scripts are not run; that of the client, which only puts the binary of this platform in place, is run by name.
setup-client:
	@if [ $(CLIENT)/node_modules/.stamp -nt $(CLIENT)/package-lock.json ] \
	  && [ $(OTHERS)/node_modules/.stamp -nt $(OTHERS)/package-lock.json ]; then exit 0; fi; \
	if ! command -v npm >/dev/null; then why="npm is not on PATH"; \
	else echo "Installing the Claude Code client and other MCP clients for the tests ..."; \
	  (cd $(CLIENT) && $(NPM) && node node_modules/@anthropic-ai/claude-code/install.cjs && touch node_modules/.stamp) \
	    && (cd $(OTHERS) && $(NPM) && touch node_modules/.stamp) && exit 0; \
	  why="npm could not install it (above)"; \
	fi; \
	if [ "$$STRATUM_REQUIRE_CLAUDE" = 1 ]; then \
	  echo "stratum: the Claude Code client is required (STRATUM_REQUIRE_CLAUDE=1), but $$why" >&2; exit 1; \
	fi; \
	echo "The tests that drive the real Claude Code client and other clients will be skipped: $$why."
