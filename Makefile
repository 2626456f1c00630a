# The two commands of the README are `make demo` and `make test`; both make their own virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test long soak lint docs bench agents browser packages vendor clean

demo: $(VENV)/.runtime
	$(BIN)/coord demo

# By file: worlds that are played once for a module must not be played by each worker, and in their order: else the few
# tests of a long file come last, on one worker. (loadgroup does nothing with
# pytest 9.2 and pytest-xdist 3.8: the one renamed what the other writes to.)
test: $(VENV)/.dev agents browser packages
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# What CI runs beside the tests: whole stories, and real agents.
long: $(VENV)/.dev agents browser packages
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m long $(ARGS)

soak: $(VENV)/.dev agents
	$(BIN)/python -m pytest -n 2 -m soak $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coord check tasks
	.ci/workflows

# The pages as a site, in docs/_build/html. What is wrong in one, and a link that leads nowhere, is an error.
# (--fresh-env: a page that was read before is not warned of again.)
docs: $(VENV)/.dev
	$(BIN)/python -m sphinx --builder html --fresh-env --fail-on-warning --nitpicky --quiet docs docs/_build/html

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(BENCH)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "coord needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) 'pip>=25.1'
	$(PIP) --editable '.[agents]' --group dev
	touch $@ $(VENV)/.runtime

# The real agents of tests/real, by name and hash. Without npm or its registry their tests are named as not run.
agents: | $(VENV)/bin/python
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(VENV)/.agents || true; fi

$(VENV)/.agents: tests/real/package.json tests/real/package-lock.json | $(VENV)/bin/python
	mkdir -p $(VENV)/agents
	cp tests/real/package.json tests/real/package-lock.json $(VENV)/agents
	npm ci --prefix $(VENV)/agents --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# What the tests of the dashboard need from npm, by name and hash. (What they find missing, they name.)
browser: | $(VENV)/bin/python
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(VENV)/.browser || true; fi

$(VENV)/.browser: tests/browser/package.json tests/browser/package-lock.json | $(VENV)/bin/python
	mkdir -p $(VENV)/browser
	cp tests/browser/package.json tests/browser/package-lock.json $(VENV)/browser
	npm ci --prefix $(VENV)/browser --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# Take the library that the dashboard's file holds from what npm has checked against the lock.
vendor: $(VENV)/.dev $(VENV)/.browser
	$(BIN)/python -m tests.browser.vendored

# The programs that tests drive: a terminal and a browser. Where apt cannot install them their tests are named as not run.
packages:
	@if command -v tmux && { { command -v chromium && command -v chromedriver; } || [ -n "$$CHROMEWEBDRIVER" ]; }; then :; \
	elif command -v apt-get && [ "$$(id -u)" = 0 ]; then \
	  export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && \
	  apt-get install -qq -y --no-install-recommends tmux chromium chromium-driver fonts-dejavu-core || true; \
	fi >/dev/null

# The hook managers that make bench measures beside; without them it says what it could not measure.
$(VENV)/.bench: $(VENV)/.dev
	-$(PIP) --group bench
	touch $@

clean:
	rm -rf $(VENV) dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
