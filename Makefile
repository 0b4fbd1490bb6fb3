# `make run` and `make test` do all their own set-up. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
# glibc would keep what threads that are gone have freed; the Procfile says the same.
MEMORY := MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
# Made again when its list of packages changes.
ESLINT := .ci/eslint/node_modules/stamp
# An own address for the dashboard: make run PORT=9000
PORT ?=

.PHONY: help run test soak lint lint-javascript format train-setup lock platforms audit slug dyno clean

help:
	@echo "make run          set up if need be, then open the dashboard (PORT=9000 for another port)"
	@echo "make test         set up if need be, then lint, type check and test"
	@echo "make soak         what must be watched for minutes: memory, latency, many visitors"
	@echo "make lint         ruff, mypy, import-linter and, where Node.js is there, ESLint"
	@echo "make format       let ruff rewrite the layout of the code"
	@echo "make train-setup  add what training needs (PyTorch)"
	@echo "make lock         write requirements.txt, with hashes, from requirements.in"
	@echo "make platforms    which systems and Python versions have a wheel of everything pinned"
	@echo "make audit        look for known vulnerabilities in what requirements.txt installs"
	@echo "make slug         build what Heroku would, and say how large it is"
	@echo "make dyno         run it as a Heroku dyno would (PORT=5000), and say what memory it took"
	@echo "make clean        remove the virtual environment and caches; weights stay"

run: .venv/run.stamp
	@$(BIN)/python -m fer_core weights fetch || true
	$(MEMORY) $(BIN)/streamlit run app.py $(if $(PORT),--server.port $(PORT))

test: .venv/test.stamp lint
	@command -v chromium >/dev/null || echo "Skipped: browser tests, Chromium is absent (Debian: apt-get install chromium)."
	$(BIN)/pytest -n 2 --no-loadscope-reorder

# On a quiet machine: it measures times. One process, so that no test slows down another.
soak: .venv/test.stamp
	$(BIN)/pytest -m soak

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm >/dev/null && $(MAKE) --no-print-directory $(ESLINT); then \
	  $(MAKE) --no-print-directory lint-javascript; \
	else echo "Skipped: the check of the JavaScript files. It needs Node.js, and npm's registry once."; fi

lint-javascript: $(ESLINT)
	.ci/eslint/node_modules/.bin/eslint --config .ci/eslint/eslint.config.js --max-warnings 0 fer_core benchmarks

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train-setup: .venv/train.stamp

# All platforms and Python versions in one file.
lock: .venv/test.stamp
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11.5 \
	  --generate-hashes --no-annotate requirements.in -o requirements.txt

# As README.md has them; the oldest macOS that all of them support.
platforms: .venv/test.stamp
	@for platform in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-msvc; do \
	  for version in 3.11.5 3.12 3.13 3.14; do \
	    MACOSX_DEPLOYMENT_TARGET=14.0 $(BIN)/uv pip compile --quiet --only-binary :all: --python-platform $$platform \
	      --python-version $$version requirements.in >/dev/null || exit 1; \
	    echo "$$platform, Python $$version: a wheel of everything"; \
	  done; \
	done

# Asks an advisory service on the internet. A package that it does not know is an error too.
audit: .venv/test.stamp
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

# Needs git and a few minutes. The last line is the compressed size.
slug: .venv/run.stamp
	$(BIN)/python -m deploy.slug

# Until Ctrl-C. VISIT=1: until Chromium has looked at a photo and run the camera.
dyno: $(if $(VISIT),.venv/test.stamp,.venv/run.stamp)
	$(BIN)/python -m deploy.dyno $(if $(PORT),--port $(PORT)) $(if $(VISIT),--measure)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .ci/eslint/node_modules

$(ESLINT): .ci/eslint/package-lock.json
	cd .ci/eslint && npm ci --silent
	@touch $@

# A stamp a requirements file: made again only when the file changes.
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
