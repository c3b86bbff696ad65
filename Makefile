# make pilot   one day of the pilot on the embedded chain; needs Python 3.11+, neither Node nor a compiler
# make test    everything the tests need, then all of them; needs Node 20 too
# make docs    the documentation as a site in build/site
#
# Every environment is made once and kept; a stamp file in it says what it was made from.

PYTHON ?= python3
# One process per core; `make test WORKERS=0` runs the tests in one.
WORKERS ?= auto

VENV := .venv
BIN := $(VENV)/bin
BROWNIE_VENV := .venv-brownie
SLITHER_VENV := .venv-slither
DOCS_VENV := .venv-docs
BENCH_VENV := .venv-bench
NEWEST_VENV := .venv-newest
FORGE := node_modules/.bin/forge
SOLIDITY := contracts tests benchmarks
SLITHER := slither-analyzer==0.11.6
DOCS := zensical==0.0.73 mkdocstrings-python==2.0.11
BROWNIE_HOME := $(CURDIR)/.home
BROWNIE_NETWORK := peerwatt-ganache
PIP := -m pip install --quiet --disable-pip-version-check
# Exactly the versions that were tested, by name; `make constraints` writes them anew.
TESTED := --constraint constraints/peerwatt.txt
EXTRAS := contracts,grid,oracle,pandas,parquet,test

.DEFAULT_GOAL := help
.PHONY: help pilot chromium test test-long test-newest docs constraints lint types check-contracts contracts format gas \
	picture bench-grid bench-market bench-replay solidity-tests slither brownie-deploy clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo 'others: test-long test-newest constraints lint types check-contracts contracts format gas bench-grid bench-market'
	@echo '        bench-replay picture chromium solidity-tests slither brownie-deploy clean'

# Environments

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11' >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/core: pyproject.toml constraints/peerwatt.txt | $(VENV)/python
	@echo 'installing peerwatt into $(VENV)'
	@$(BIN)/python $(PIP) $(TESTED) -e .
	@touch $@

$(VENV)/test: pyproject.toml constraints/peerwatt.txt | $(VENV)/python
	@echo 'installing peerwatt and what its tests need into $(VENV)'
	@$(BIN)/python $(PIP) $(TESTED) -e '.[$(EXTRAS)]'
	@touch $@ $(VENV)/core

# Brownie pins most of what it depends on, so it lives apart.
$(BROWNIE_VENV)/core: pyproject.toml constraints/brownie.txt | $(VENV)/python
	@echo 'installing Brownie and peerwatt into $(BROWNIE_VENV)'
	@test -x $(BROWNIE_VENV)/bin/python || $(PYTHON) -m venv $(BROWNIE_VENV)
	@$(BROWNIE_VENV)/bin/python $(PIP) --constraint constraints/brownie.txt -e '.[brownie]'
	@touch $@

# Slither pins its own web3.
$(SLITHER_VENV)/slither: Makefile constraints/slither.txt | $(VENV)/python
	@echo 'installing Slither into $(SLITHER_VENV)'
	@test -x $(SLITHER_VENV)/bin/python || $(PYTHON) -m venv $(SLITHER_VENV)
	@$(SLITHER_VENV)/bin/python $(PIP) --constraint constraints/slither.txt '$(SLITHER)'
	@touch $@

# The site's generator and its parser of docstrings.
$(DOCS_VENV)/docs: Makefile constraints/docs.txt | $(VENV)/python
	@echo 'installing the generator of the documentation into $(DOCS_VENV)'
	@test -x $(DOCS_VENV)/bin/python || $(PYTHON) -m venv $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python $(PIP) --constraint constraints/docs.txt $(DOCS)
	@touch $@

node_modules/installed: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo 'Node 20 with npm is needed for the contracts and their tests' >&2; exit 2; }
	@echo 'installing the npm packages'
	@# Not `npm ci`: it insists on the optional packages of every platform being in the lock file.
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

# The browser that the pages are tested in is the system's; where apt-get and its rights are there, it is installed.
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
APT := env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
NO_BROWSER := Chromium is needed for the tests of pages: install it, as chromium or google-chrome on PATH

chromium:
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as=sudo; else as=nobody; fi; \
	if [ "$$as" = nobody ] || ! command -v apt-get >/dev/null; then echo '$(NO_BROWSER)' >&2; exit 2; fi; \
	echo 'installing Chromium'; \
	install() { $$as $(APT) install -y --no-install-recommends chromium >/dev/null; }; \
	install 2>/dev/null || { $$as $(APT) update >/dev/null && install; } || { echo '$(NO_BROWSER)' >&2; exit 2; }

# The pilot

pilot: $(VENV)/core
	@$(BIN)/peerwatt replay brooklyn-10 --out reports/brooklyn-10

# Tests

test: $(VENV)/test $(BROWNIE_VENV)/core $(DOCS_VENV)/docs node_modules/installed chromium lint types solidity-tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-long: $(VENV)/test $(BROWNIE_VENV)/core node_modules/installed
	PEERWATT_HYPOTHESIS=long $(BIN)/python -m pytest -m long
	FOUNDRY_PROFILE=long $(FORGE) test

# Against the newest of everything that the ranges in pyproject.toml admit: what breaks tomorrow.
test-newest: $(BROWNIE_VENV)/core $(DOCS_VENV)/docs node_modules/installed chromium | $(VENV)/python
	@test -x $(NEWEST_VENV)/bin/python || $(PYTHON) -m venv $(NEWEST_VENV)
	@$(NEWEST_VENV)/bin/python $(PIP) --upgrade --upgrade-strategy eager -e '.[$(EXTRAS)]'
	$(NEWEST_VENV)/bin/python -m pip freeze --exclude-editable | diff constraints/peerwatt.txt - || true
	$(NEWEST_VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile

# What was tested becomes what is installed: run after `make test` is green on the newest.
constraints: $(VENV)/test $(BROWNIE_VENV)/core $(SLITHER_VENV)/slither $(DOCS_VENV)/docs $(BENCH_VENV)/core
	@for pair in peerwatt:$(VENV) brownie:$(BROWNIE_VENV) slither:$(SLITHER_VENV) docs:$(DOCS_VENV) \
		benchmarks:$(BENCH_VENV); do \
		file=constraints/$${pair%%:*}.txt; \
		{ sed -n '/^#/p' $$file; $${pair##*:}/bin/python -m pip freeze --exclude-editable; } > $$file.new; \
		mv $$file.new $$file; \
	done

lint: $(VENV)/test node_modules/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(FORGE) fmt --check $(SOLIDITY)

types: $(VENV)/test
	$(BIN)/mypy

check-contracts: $(VENV)/test node_modules/installed
	$(BIN)/python scripts/compile_contracts.py --check

solidity-tests: node_modules/installed
	$(FORGE) test

slither: $(VENV)/python $(SLITHER_VENV)/slither node_modules/installed
	@$(BIN)/python scripts/check_slither.py $(SLITHER_VENV)/bin/slither

# Documentation

# A broken link ends the build: `--strict`.
docs: $(DOCS_VENV)/docs
	@$(DOCS_VENV)/bin/python scripts/gather_docs.py build/pages
	@$(DOCS_VENV)/bin/zensical build --strict --clean
	@echo 'site: build/site/index.html'

# Contracts and measurements

contracts: $(VENV)/test node_modules/installed
	$(BIN)/python scripts/compile_contracts.py

format: $(VENV)/test node_modules/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(FORGE) fmt $(SOLIDITY)

gas: $(VENV)/test node_modules/installed
	$(BIN)/python benchmarks/measure_gas.py

# The first screen of the report, for the README.
picture: $(VENV)/test chromium
	@$(BIN)/peerwatt replay brooklyn-10 --out reports/brooklyn-10
	@$(BIN)/python scripts/picture_report.py reports/brooklyn-10/report.html docs/report.png

# lightsim2grid and numba, beside which a flow is measured, are in an environment of their own.
$(BENCH_VENV)/core: pyproject.toml constraints/peerwatt.txt constraints/benchmarks.txt | $(VENV)/python
	@echo 'installing what the benchmarks compare with into $(BENCH_VENV)'
	@test -x $(BENCH_VENV)/bin/python || $(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python $(PIP) $(TESTED) --constraint constraints/benchmarks.txt -e '.[grid]' \
		lightsim2grid numba pytest
	@touch $@

bench-grid: $(BENCH_VENV)/core
	$(BENCH_VENV)/bin/python benchmarks/bench_grid.py
	$(BENCH_VENV)/bin/python benchmarks/flow_engines.py

bench-market: $(VENV)/test
	$(BIN)/python benchmarks/bench_market.py

bench-replay: $(VENV)/test node_modules/installed
	$(BIN)/python benchmarks/bench_replay.py

# Brownie

$(BROWNIE_HOME)/network: | $(BROWNIE_VENV)/core
	@mkdir -p $(BROWNIE_HOME)
	@HOME=$(BROWNIE_HOME) $(BROWNIE_VENV)/bin/brownie networks add development $(BROWNIE_NETWORK) \
		cmd=ganache host=http://127.0.0.1 port=18545 chain_id=31337 gas_limit=30000000 accounts=10 \
		evm_version=shanghai mnemonic=brownie
	@touch $@

brownie-deploy: $(BROWNIE_VENV)/core node_modules/installed $(BROWNIE_HOME)/network
	HOME=$(BROWNIE_HOME) SOLCX_BINARY_PATH=$(CURDIR)/scripts/compiler PATH="$(CURDIR)/node_modules/.bin:$$PATH" \
		$(BROWNIE_VENV)/bin/brownie run scripts/deploy.py --network $(BROWNIE_NETWORK)

clean:
	rm -rf $(VENV) $(BROWNIE_VENV) $(SLITHER_VENV) $(DOCS_VENV) $(NEWEST_VENV) $(BENCH_VENV) \
		$(BROWNIE_HOME) node_modules build out cache reports
