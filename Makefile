# `make run` and `make test` install what they need. `make help` lists all commands.
PYTHON ?= python3
BIN := .venv/bin
# Otherwise glibc does not return the memory of ended threads. The Procfile has the same values.
MEMORY := MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
# Reinstalled when its list of packages changes.
ESLINT := .ci/eslint/node_modules/stamp
# The port of the dashboard: make run PORT=9000
PORT ?=

.PHONY: help run test pytest soak lint lint-javascript format train-setup lock platforms audit slug dyno clean

help:
	@echo "make run          install the packages if needed, and open the dashboard (PORT=9000: on this port)"
	@echo "make test         install the packages if needed, lint, check types and test"
	@echo "make soak         run the tests that take long: memory, latency, many visitors, the figures of cards"
	@echo "make lint         run ruff, mypy, import-linter and, if Node.js is installed, ESLint"
	@echo "make format       format the code with ruff"
	@echo "make train-setup  install the packages for training (PyTorch)"
	@echo "make lock         write requirements.txt, with hashes, from requirements.in"
	@echo "make platforms    check that all pinned packages have wheels for each system and Python version"
	@echo "make audit        check requirements.txt for known vulnerabilities"
	@echo "make slug         build the slug as Heroku does, and print its size"
	@echo "make dyno         run the dashboard as on a Heroku dyno (PORT=5000), and print its peak memory"
	@echo "make clean        remove the virtual environment and caches; downloaded weights stay"

run: .venv/run.stamp
	@$(BIN)/python -m fer_core weights fetch || true
	$(MEMORY) $(BIN)/streamlit run app.py $(if $(PORT),--server.port $(PORT))

# Side by side: mypy keeps only one processor busy, and the tests begin by waiting for browsers.
test: .venv/test.stamp
	@$(MAKE) --no-print-directory -j2 lint pytest

# Three for two cores: the browser tests, half of the time, wait as much as they compute. Compiled
# code is kept, whatever the environment says: dozens of processes import the program.
pytest: export PYTHONDONTWRITEBYTECODE =
pytest: .venv/test.stamp
	@command -v chromium >/dev/null || echo "Skipped: browser tests, Chromium is absent (Debian: apt-get install chromium)."
	$(BIN)/pytest -n 3 --no-loadscope-reorder

# Needs an idle machine, because it measures times. One process, so that tests do not slow down each other.
soak: .venv/test.stamp
	$(BIN)/pytest -m soak

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory $(ESLINT); then \
	  $(MAKE) --no-print-directory lint-javascript; \
	else echo "Skipped: ESLint. It needs Node.js and, for its installation, the npm registry."; fi

lint-javascript: $(ESLINT)
	.ci/eslint/node_modules/.bin/eslint --config .ci/eslint/eslint.config.js --max-warnings 0 fer_core benchmarks

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train-setup: .venv/train.stamp

# One file for all platforms and Python versions.
lock: .venv/test.stamp
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11.5 \
	  --generate-hashes --no-annotate requirements.in -o requirements.txt

# The platforms and versions of README.md, with the oldest macOS that all packages support.
platforms: .venv/test.stamp
	@for platform in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-msvc; do \
	  for version in 3.11.5 3.12 3.13 3.14; do \
	    MACOSX_DEPLOYMENT_TARGET=14.0 $(BIN)/uv pip compile --quiet --only-binary :all: --python-platform $$platform \
	      --python-version $$version requirements.in >/dev/null || exit 1; \
	    echo "$$platform, Python $$version: a wheel of everything"; \
	  done; \
	done

# Asks an advisory service on the internet. A package that it does not know is also an error.
audit: .venv/test.stamp
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

# Needs git and a few minutes. The last line is the compressed size.
slug: .venv/run.stamp
	$(BIN)/python -m deploy.slug

# Runs until Ctrl-C; with VISIT=1, until Chromium has analysed a photo and run the camera.
dyno: $(if $(VISIT),.venv/test.stamp,.venv/run.stamp)
	$(BIN)/python -m deploy.dyno $(if $(PORT),--port $(PORT)) $(if $(VISIT),--measure)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .ci/eslint/node_modules

$(ESLINT): .ci/eslint/package-lock.json
	cd .ci/eslint && npm ci --silent
	@touch $@

# One stamp per requirements file; it is outdated when the file changes.
.venv/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11.5 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11, 5) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test.stamp: requirements-dev.txt .venv/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv/train.stamp: requirements-train.txt .venv/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-train.txt
	@touch $@
