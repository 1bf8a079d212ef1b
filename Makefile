# What a person runs: make demo, make test. Everything that they need is installed by make setup, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
BUNDLE ?= bundles/loan
ARCH ?= x86_64
CHALLENGER ?=
PACKAGE_ARGS ?=
SCAN := .venv-scan
.DEFAULT_GOAL := help
MAKEFLAGS += --jobs=2 # pip beside npm, mypy beside the other checks
unexport PYTHONDONTWRITEBYTECODE # pip compiles nothing: Python does, what it imports, once

.PHONY: help setup demo test slow acceptance coverage lint types style format bench cold exactness budgets engine leak load kill fuzz schemathesis arm64 firefox lighthouse screenshots scale web-files web-bench requirements clean build-SelfsameFunction build-ReplayHook build-ChallengerFunction

help: ## show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready node_modules/.ready $(VENV)/.chromium ## install everything (done once; the other targets call it)

$(VENV)/.ready: requirements/all.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "selfsame needs python3 (3.11 or newer)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "selfsame needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements/all.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "import demo, deploy.verify, export.seal, train.fit" # compiled now, every start is quick
	@touch $@

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo "selfsame needs node (20 or newer) and npm"; exit 1; }
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

# checkov lives alone: it pins an old boto3.
$(SCAN)/.ready: requirements/scan.txt $(VENV)/.ready
	$(PYTHON) -m venv $(SCAN)
	$(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements/scan.txt
	@touch $@

$(VENV)/.chromium: $(VENV)/.ready
	./.ci/chromium
	@touch $@

demo: setup ## train, export, prove and serve the embedded cases (ARGS=--check: without serving)
	$(BIN)/selfsame demo $(ARGS)

test: setup lint $(SCAN)/.ready ## all checks (under 15 minutes on 2 cores)
	npm test --silent
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

slow: setup ## the cases that make test leaves out, of training, export, packages and the page
	$(BIN)/pytest -m slow tests/test_train_*.py $(filter-out tests/test_export_score.py,$(wildcard tests/test_export_*.py)) tests/test_deploy_package.py tests/test_deploy_zip.py tests/test_web_*.py

acceptance: setup ## every candidate of the real tables in every runtime (slow)
	$(BIN)/pytest tests/test_acceptance.py tests/test_export_score.py -m "slow or not slow" --capture=no

lint: types style ## ruff, mypy, tsc, prettier

types: setup
	$(BIN)/mypy

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	npm run --silent check
	npm run --silent format-check

format: setup ## format all code
	$(BIN)/ruff format .
	npx prettier --write web_demo package.json

coverage: setup ## every estimator of scikit-learn, exported and compared; writes docs/coverage.md (slow)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/coverage.py

exactness: setup ## our export beside the float32 export on the real tables (docs/exactness.md)
	$(BIN)/python benchmarks/exactness.py --out docs/exactness.md

bench: setup ## measure; benchmarks/README.md says what
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/speed.py --out docs/speed.md
	$(BIN)/python -m benchmarks.cold --out docs/cold.md

cold: setup ## cold starts and warm calls in Lambda's runtime, beside scikit-learn; what they cost; writes docs/cold.md
	$(BIN)/python -m benchmarks.cold --out docs/cold.md

budgets: setup ## the package's bytes against their budgets (ARGS=bundles/loan: with that bundle inside)
	$(BIN)/python benchmarks/budgets.py $(ARGS)

engine: setup ## the two engines side by side: init, memory, one row, 1,000 rows, bytes
	$(BIN)/python -m benchmarks.engine

leak: setup ## 100,000 requests through the C interface: memory stays flat
	$(BIN)/pytest tests/test_lambda_leak.py -m slow

load: setup ## 30 minutes of load whose answers are all checked (ARGS="--minutes 5 --against runtime": in Lambda's runtime)
	$(BIN)/python -m benchmarks.load $(ARGS)

kill: setup ## kill a served process 25 times under load: right answers, whole records
	$(BIN)/pytest tests/test_lambda_reliability.py -m slow

# atheris lies beside the environment: nothing else needs it, and it has wheels for Python 3.11 to 3.13 alone.
build/atheris/.ready: requirements/fuzz.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --target build/atheris -r requirements/fuzz.txt
	@touch $@

fuzz: setup build/atheris/.ready ## fuzz what reads requests, guided by coverage (ARGS="--minutes 60")
	PYTHONPATH=build/atheris $(BIN)/python -m benchmarks.fuzz $(ARGS)

schemathesis: setup ## 10,000 generated requests to the served API, every check on (ARGS="--examples 2000 --seed 2")
	$(BIN)/python -m benchmarks.schema_cases $(ARGS)

arm64: setup ## run arm64 packages under QEMU (slow; fetches QEMU and an arm64 Python from Debian)
	./.ci/arm64
	$(BIN)/pytest tests/test_deploy_arm64.py -m slow --capture=no

firefox: setup ## the page's main path in Firefox (fetched from the system's packages where there is none)
	./.ci/firefox
	$(BIN)/pytest tests/test_web_firefox.py -m slow

web-files: setup ## a CSV of 100,000 rows through the page in Chromium, and the memory that 1,000,000 take
	$(BIN)/python -m benchmarks.web_files

# Lighthouse lies beside node_modules: nothing else needs its 200 packages.
build/lighthouse/.ready: requirements/lighthouse/package-lock.json
	mkdir -p build/lighthouse && cp requirements/lighthouse/package*.json build/lighthouse/
	cd build/lighthouse && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

lighthouse: setup build/lighthouse/.ready ## Lighthouse's marks for the demo's site, as a phone and a desktop; writes docs/lighthouse.md
	$(BIN)/python -m benchmarks.lighthouse --out docs/lighthouse.md $(ARGS)

# m2cgen lies beside the environment, too: it is only measured.
build/peer/.ready: requirements/peer.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target build/peer -r requirements/peer.txt
	@touch $@

web-bench: setup build/peer/.ready ## the page's speed in Chromium: visits over slow lines, rows, memory, bytes; writes docs/web-speed.md
	PYTHONPATH=build/peer $(BIN)/python -m benchmarks.web --out docs/web-speed.md $(ARGS)

scale: setup ## what explore and train cost up to 5 million rows; writes docs/scale.md (20 minutes; goes on where it was stopped)
	$(BIN)/python -m benchmarks.scale --out docs/scale.md $(ARGS)

screenshots: setup ## make the pictures in docs/ from the demo's site
	$(BIN)/python docs/screenshots.py

requirements: ## pin the requirement files anew from the *.in files
	$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-deps requirements/lambda.in -o requirements/lambda.txt
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links requirements/all.in -o requirements/all.txt
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links requirements/scan.in -o requirements/scan.txt
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links requirements/fuzz.in -o requirements/fuzz.txt
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-deps requirements/peer.in -o requirements/peer.txt

# Called by `sam build` (template.yaml: BuildMethod makefile): what Lambda gets.
build-SelfsameFunction:
	$(BIN)/selfsame package $(BUNDLE) --out "$(ARTIFACTS_DIR)" --arch $(ARCH) $(PACKAGE_ARGS)

build-ReplayHook:
	mkdir -p "$(ARTIFACTS_DIR)/rollout"
	cp rollout/__init__.py rollout/hook.py "$(ARTIFACTS_DIR)/rollout/"

# Without CHALLENGER the function says so when it is called; template.yaml deploys it only on request.
build-ChallengerFunction:
ifdef CHALLENGER
	$(BIN)/selfsame package $(CHALLENGER) --out "$(ARTIFACTS_DIR)" --arch $(ARCH) $(PACKAGE_ARGS)
	mkdir -p "$(ARTIFACTS_DIR)/rollout"
	cp rollout/__init__.py rollout/challenger.py rollout/shadow.py "$(ARTIFACTS_DIR)/rollout/"
else
	mkdir -p "$(ARTIFACTS_DIR)/rollout"
	echo 'raise RuntimeError("No challenger is packaged. Name its bundle: CHALLENGER=... sam build")' > "$(ARTIFACTS_DIR)/rollout/challenger.py"
endif

clean: ## remove what the targets made (your runs and bundles stay)
	rm -rf $(VENV) $(SCAN) node_modules build .aws-sam *.egg-info .mypy_cache .ruff_cache .pytest_cache
