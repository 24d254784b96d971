# Every target does its own set-up: it needs a Python (see tools/find-python) and, for the local
# DynamoDB engine, npm. Nothing is installed outside this folder. `make help` lists the targets.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
TOOLS := .venv-tools/bin
CHECKOV := .venv-checkov/bin
# Certificates of the system: a company may look into its own traffic.
UV = $(BIN)/uv --system-certs --quiet
SYNC = $(UV) pip sync --require-hashes
COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make requirements" $(UPGRADE)

# What a tool says matters only if it fails.
quietly = @said=$$($(1) 2>&1) || { echo "$$said"; exit 1; }
SCHEMA = $(BIN)/check-jsonschema --builtin-schema vendor.

# Where the template is checked; nothing is called there.
REGION := ap-southeast-3
STAGE ?= dev
ARGS ?=

export SAM_CLI_TELEMETRY := 0
# For an empty environment.
export PATH := $(or $(PATH),/usr/local/bin:/usr/bin:/bin)

##@ Use

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/.synced node_modules/.synced ## the whole system on this machine; ARGS="--help" for options
	@$(BIN)/python -m local $(ARGS)

.PHONY: demo
demo: .venv/.synced node_modules/.synced ## the story of a few payment codes, on a running stack or its own
	@$(BIN)/python -m local.demo $(ARGS)

##@ Check

.PHONY: check
check: lint secrets types imports compatibility template bins test fuzz ## everything that must hold before a change lands

.PHONY: unit
unit: .venv/.synced ## the tests of the rules, in seconds: no engine, no sockets; ARGS="-k word" for some
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal tests/unit $(ARGS)

.PHONY: test
test: .venv/.synced node_modules/.synced artefacts ## all tests; ARGS="-k word" for some
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

# The gate tries the same examples in every run, so that no change fails by chance.
.PHONY: nightly
nightly: .venv/.synced node_modules/.synced ## properties and state machines with new, many more examples
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal --timeout 0 \
		--hypothesis-profile nightly -m hypothesis $(ARGS)

.PHONY: lint
lint: .venv/.synced workflows ## style and common mistakes
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; exit 1; }

# Against the schemas that check-jsonschema brings; zizmor knows what is dangerous.
.PHONY: workflows
workflows: .venv/.synced ## what GitHub reads in .github: well-formed and safe
	$(call quietly,$(SCHEMA)github-workflows .github/workflows/*.yml)
	$(call quietly,$(SCHEMA)github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml)
	$(call quietly,$(SCHEMA)github-issue-config .github/ISSUE_TEMPLATE/config.yml)
	$(call quietly,$(SCHEMA)dependabot .github/dependabot.yml)
	$(call quietly,$(BIN)/zizmor --offline --quiet --persona pedantic .github)

.PHONY: secrets
secrets: .venv/.synced ## no key or password that is not known to be made up
	@$(BIN)/python -m tools.find_secrets

.PHONY: types
types: .venv/.synced ## mypy, strict
	@$(BIN)/mypy

.PHONY: imports
imports: .venv/.synced ## the arrows between the modules point the right way
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo

.PHONY: compatibility
compatibility: .venv/.synced ## the API keeps what the last release promised
	@$(BIN)/python -m tools.compatibility

.PHONY: template
template: .venv-tools/.synced .venv-checkov/.synced ## SAM, cfn-lint and checkov on template.yaml
	@$(TOOLS)/sam validate --lint --region $(REGION)
	@$(TOOLS)/cfn-lint --config-file tools/cfn-lint.yaml --template template.yaml
	@$(CHECKOV)/checkov --config-file tools/checkov.yaml --file template.yaml

.PHONY: bins
bins: .venv/.synced ## the BINs in samconfig.toml, as the functions will read them
	@$(BIN)/python -m admin bins check $(BINS_OF)

.PHONY: fuzz
fuzz: .venv/.synced .venv-fuzz/.synced node_modules/.synced ## the API against its OpenAPI document; ARGS="--cases 50000" for longer
	@$(BIN)/python -m tools.fuzz $(ARGS)

.PHONY: package-test
package-test: .venv/.synced artefacts ## only the tests of what is deployed
	@$(BIN)/python -m pytest tests/packaging $(ARGS)

##@ Change

.PHONY: pictures
pictures: .venv/.synced node_modules/.synced ## take the documentation's pictures of the pages again
	@O2O_PICTURES=1 $(BIN)/python -m pytest --quiet tests/system/browser -m pictures

.PHONY: format
format: .venv/.synced ## mend what can be mended by itself
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: openapi
openapi: .venv/.synced ## write the OpenAPI document and the browsable reference anew
	@$(BIN)/python -m tools.openapi

.PHONY: requirements
requirements: .venv/.uv ## compile the requirements again; UPGRADE=--upgrade for newer versions
	@$(COMPILE) --output-file requirements/uv.txt requirements/uv.in
	@$(COMPILE) --output-file requirements/dev.txt requirements/dev.in
	@$(COMPILE) --output-file layers/shared/requirements.txt \
		--constraints requirements/dev.txt layers/shared/requirements.in
	@$(COMPILE) --output-file requirements/tools.txt requirements/tools.in
	@$(COMPILE) --output-file requirements/checkov.txt requirements/checkov.in
	@$(COMPILE) --output-file requirements/fuzz.txt requirements/fuzz.in

.PHONY: clean
clean: ## remove environments, caches and artefacts; the local stack keeps its data
	rm -rf .venv .venv-tools .venv-checkov .venv-fuzz node_modules .aws-sam
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Deploy

.PHONY: build
build: .venv/.synced .venv-tools/.synced ## what is deployed, in .aws-sam/build
	@$(BIN)/python tools/build.py

.PHONY: deploy
deploy: BINS_OF = --stage $(STAGE)
deploy: bins build ## deploy to the account of your credentials; STAGE=dev, staging or prod
	@$(TOOLS)/sam deploy --config-env $(STAGE) $(ARGS)

# --- behind the scenes ----------------------------------------------------------------------

# The tests of what is deployed skip themselves, saying why, where there is no Python 3.13.
.PHONY: artefacts
artefacts: .venv/.synced .venv-tools/.synced
	@if [ -x $(BIN)/python3.13 ]; then $(BIN)/python tools/build.py; fi

# With o2o.pth, what runs in .venv finds the package o2o, which is not installed but lies here.
.venv/.uv: requirements/uv.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		python=$$(tools/find-python) && echo "Setting up .venv with $$python" && \
		"$$python" -m venv --clear .venv; }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps \
		--require-hashes --requirement requirements/uv.txt
	@echo ../../../../layers/shared \
		>"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/o2o.pth"
	@touch $@

.venv/.synced: .venv/.uv requirements/dev.txt
	@$(SYNC) --python $(BIN)/python requirements/dev.txt
	@touch $@

.venv-%/.synced: requirements/%.txt .venv/.uv
	@.venv-$*/bin/python --version >/dev/null 2>&1 || { \
		echo "Setting up .venv-$*" && $(BIN)/python -m venv --clear --without-pip .venv-$*; }
	@$(SYNC) --python .venv-$*/bin/python $<
	@touch $@

node_modules/.synced: package.json package-lock.json
	@mkdir -p node_modules
	@if command -v npm >/dev/null; then npm install --no-save --ignore-scripts --loglevel=error; fi
	@ls node_modules/@dynoxide/*/dynoxide* >/dev/null 2>&1 || \
		echo "No Dynoxide for this machine (npm is missing, or has none): moto stands in for DynamoDB."
	@touch $@
