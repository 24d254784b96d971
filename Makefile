# Every target sets up what it needs. Required are a Python (see tools/find-python) and, for the local
# DynamoDB engine, npm. Nothing is installed outside this folder. `make help` lists the targets.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
TOOLS := .venv-tools/bin
CHECKOV := .venv-checkov/bin
# Use the system's certificates: a company's proxy may re-sign TLS traffic.
UV = $(BIN)/uv --system-certs --quiet
SYNC = $(UV) pip sync --require-hashes
COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make requirements" $(UPGRADE)

# Show a command's output only if it fails.
quietly = @output=$$($(1) 2>&1) || { echo "$$output"; exit 1; }
SCHEMA = $(BIN)/check-jsonschema --builtin-schema vendor.

# The region to validate the template for; no AWS service is called.
REGION := ap-southeast-3
STAGE ?= dev
ARGS ?=

export SAM_CLI_TELEMETRY := 0
# Container images like to set it. A local stack is some twenty processes: without byte-code on disk
# each of them would compile all of its packages again.
unexport PYTHONDONTWRITEBYTECODE
# Make needs PATH even if the environment has none.
export PATH := $(or $(PATH),/usr/local/bin:/usr/bin:/bin)

##@ Use

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/.synced node_modules/.synced ## run the whole system locally; ARGS="--help" for options
	@$(BIN)/python -m local $(ARGS)

.PHONY: demo
demo: .venv/.synced node_modules/.synced ## follow a few payment codes through their life; uses the running stack, if any
	@$(BIN)/python -m local.demo $(ARGS)

.PHONY: drill
drill: .venv/.synced node_modules/.synced ## walk the drills on temporary local stacks; ARGS="restore" for one, ARGS="--list" for what there is
	@$(BIN)/python -m tools.drills $(ARGS)

.PHONY: kills
kills: .venv/.synced node_modules/.synced ## kill the functions at every call that they make; ARGS="--only paid" for a scenario
	@$(BIN)/python -m tools.kills $(ARGS)

.PHONY: day
day: .venv/.synced node_modules/.synced ## live a busy day on a local stack, with kills and a failing DOKU, and compare with the till; ARGS="--codes 20000"
	@$(BIN)/python -m tools.day $(ARGS)

##@ Check

.PHONY: check
check: lint secrets types imports compatibility template bins test emulate clients fuzz ## run every check that a change must pass

.PHONY: unit
unit: .venv/.synced ## run the unit tests, in seconds: no engine, no sockets; ARGS="-k word" for some of them
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal tests/unit $(ARGS)

.PHONY: test
test: .venv/.synced node_modules/.synced artefacts ## run all tests; ARGS="-k word" for some of them
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: simulate
simulate: .venv/.synced ## run the whole system in virtual time, with faults; ARGS="--seeds 10000"
	@$(BIN)/python -m tests.simulation $(ARGS)

# What others do on the machine meanwhile is measured, too: leave it alone.
.PHONY: bench
bench: build node_modules/.synced ## measure costs and speed, and write them into docs/benchmarks.md
	@$(BIN)/python -m benchmarks.functions 15
	@$(BIN)/python -m benchmarks.costs --write
	@$(BIN)/python -m benchmarks.closing
	@$(BIN)/python -m benchmarks.scale
	@$(BIN)/python -m benchmarks.cold_start --starts 5
	@$(BIN)/python -m benchmarks.first_call --rounds 3
	@$(BIN)/python -m benchmarks.tls
	@$(BIN)/python -m benchmarks.paid_to_webhook 200
	@$(BIN)/python -m benchmarks.backlog --due 1000 --events 300
	@$(BIN)/python -m benchmarks.growth --codes 20000 --cycles 60
	@$(BIN)/python -m benchmarks.isolation 60

# The gate tries the same examples in every run, so that no change fails by chance.
.PHONY: nightly
nightly: .venv/.synced node_modules/.synced ## run the property tests with new and many more examples
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal --timeout 0 \
		--hypothesis-profile nightly -m hypothesis $(ARGS)

# Not in `make check`, which only proves that each bug still fits the code.
.PHONY: mutants
mutants: .venv/.synced node_modules/.synced ## put each bug of tests/mutants into a copy and see that tests find it; ARGS="--only NAME"
	@$(BIN)/python -m tools.mutants $(ARGS)

.PHONY: mutate
mutate: .venv/.synced .venv-mutate/.synced ## let a tool change the core, and tell what no test notices; ARGS="payments next_step"
	@$(BIN)/python -m tools.mutate $(ARGS)

.PHONY: lint
lint: .venv/.synced workflows ## check style and common mistakes
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; exit 1; }

# check-jsonschema brings the schemas; zizmor finds insecure workflows.
.PHONY: workflows
workflows: .venv/.synced ## check that the files in .github are valid and secure
	$(call quietly,$(SCHEMA)github-workflows .github/workflows/*.yml)
	$(call quietly,$(SCHEMA)github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml)
	$(call quietly,$(SCHEMA)github-issue-config .github/ISSUE_TEMPLATE/config.yml)
	$(call quietly,$(SCHEMA)dependabot .github/dependabot.yml)
	$(call quietly,$(BIN)/zizmor --offline --quiet --persona pedantic .github)

.PHONY: secrets
secrets: .venv/.synced ## find keys and passwords that are not known test data
	@$(BIN)/python -m tools.find_secrets

.PHONY: audit
audit: .venv/.synced .venv-audit/.synced ## ask whether a package has a known vulnerability; needs an index that serves it
	@$(BIN)/python -m tools.audit $(ARGS)

.PHONY: types
types: .venv/.synced ## check types (mypy, strict)
	@$(BIN)/mypy

.PHONY: imports
imports: .venv/.synced ## check which modules import which
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo

.PHONY: compatibility
compatibility: .venv/.synced ## find changes that break callers of the last release's API
	@$(BIN)/python -m tools.compatibility

.PHONY: template
template: .venv-tools/.synced .venv-checkov/.synced ## check template.yaml with SAM, cfn-lint and checkov
	@$(TOOLS)/sam validate --lint --region $(REGION)
	@$(TOOLS)/cfn-lint --config-file tools/cfn-lint.yaml --template template.yaml
	@$(CHECKOV)/checkov --config-file tools/checkov.yaml --file template.yaml

.PHONY: bins
bins: .venv/.synced ## check the BINs in samconfig.toml, as the functions will read them
	@$(BIN)/python -m admin bins check $(BINS_OF)

.PHONY: fuzz
fuzz: .venv/.synced .venv-fuzz/.synced node_modules/.synced ## test the API against its OpenAPI document; ARGS="--cases 50000" for more cases
	@$(BIN)/python -m tools.fuzz $(ARGS)

.PHONY: fuzz-inputs
fuzz-inputs: .venv/.synced .venv-atheris/.synced ## look for bytes from outside that break a promise; ARGS="--executions 1000000" for more
	@$(BIN)/python -m tools.fuzz_inputs $(ARGS)

.PHONY: clients
clients: .venv/.synced .venv-clients/.synced node_modules/.synced tests/clients/node_modules/.synced ## generate clients from the OpenAPI document, and use them on a local stack
	@O2O_CLIENTS=1 $(BIN)/python -m pytest --quiet tests/clients $(ARGS)

.PHONY: emulate
emulate: .venv/.synced .venv-emulator/.synced node_modules/.synced artefacts ## deploy the artefacts to an emulator of AWS, and use them there
	@$(BIN)/python -m emulator $(ARGS)

.PHONY: package-test
package-test: .venv/.synced artefacts ## run only the tests of the deployed artefacts
	@$(BIN)/python -m pytest tests/packaging $(ARGS)

##@ Change

.PHONY: pictures
pictures: .venv/.synced node_modules/.synced ## take the documentation's screenshots again
	@O2O_PICTURES=1 $(BIN)/python -m pytest --quiet tests/system/browser -m pictures

.PHONY: format
format: .venv/.synced ## fix style automatically
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: openapi
openapi: .venv/.synced ## generate the OpenAPI document and the HTML reference
	@$(BIN)/python -m tools.openapi

.PHONY: requirements
requirements: .venv/.uv ## compile the requirements; UPGRADE=--upgrade for newer versions
	@$(COMPILE) --output-file requirements/uv.txt requirements/uv.in
	@$(COMPILE) --output-file requirements/dev.txt requirements/dev.in
	@$(COMPILE) --output-file layers/shared/requirements.txt \
		--constraints requirements/dev.txt layers/shared/requirements.in
	@$(COMPILE) --output-file requirements/tools.txt requirements/tools.in
	@$(COMPILE) --output-file requirements/checkov.txt requirements/checkov.in
	@$(COMPILE) --output-file requirements/fuzz.txt requirements/fuzz.in
	@$(COMPILE) --output-file requirements/atheris.txt \
		--constraints requirements/dev.txt requirements/atheris.in
	@$(COMPILE) --output-file requirements/mutate.txt \
		--constraints requirements/dev.txt requirements/mutate.in
	@$(COMPILE) --output-file requirements/audit.txt requirements/audit.in
	@$(COMPILE) --output-file requirements/clients.txt requirements/clients.in
	@$(COMPILE) --output-file requirements/emulator.txt requirements/emulator.in

.PHONY: clean
clean: ## remove environments, caches and artefacts; the local stack keeps its data
	rm -rf .venv .venv-tools .venv-checkov .venv-fuzz .venv-atheris .venv-audit .venv-clients .venv-emulator .venv-mutate
	rm -rf node_modules tests/clients/node_modules .aws-sam
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Deploy

.PHONY: build
build: .venv/.synced .venv-tools/.synced ## build the deployed artefacts in .aws-sam/build
	@$(BIN)/python tools/build.py

.PHONY: deploy
deploy: BINS_OF = --stage $(STAGE)
deploy: bins build ## deploy to your AWS account; STAGE=dev, staging or prod
	@$(TOOLS)/sam deploy --config-env $(STAGE) $(ARGS)
	@if [ "$(STAGE)" = prod ]; then $(BIN)/python -m tools.protect prod; fi

# --- set-up ---------------------------------------------------------------------------------

# Only Python 3.13 can build the artefacts; without them their tests are skipped, with the reason.
.PHONY: artefacts
artefacts: .venv/.synced .venv-tools/.synced
	@if [ -x $(BIN)/python3.13 ]; then $(BIN)/python tools/build.py; fi

# The package o2o is not installed: o2o.pth puts layers/shared on the import path of .venv.
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
	@if command -v npm >/dev/null; then \
		npm install --no-save --ignore-scripts --loglevel=error && touch $@; fi
	@ls node_modules/@dynoxide/*/dynoxide* >/dev/null 2>&1 || \
		echo "No Dynoxide for this machine (npm or its package is missing): moto stands in for DynamoDB."

tests/clients/node_modules/.synced: tests/clients/package.json tests/clients/package-lock.json
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then cd tests/clients && \
		npm install --no-save --ignore-scripts --loglevel=error && touch node_modules/.synced; fi
