# The two main commands are `make demo` and `make test`. `make help` lists the others.

SWIFT ?= swift
# Debug and release builds have separate directories below .build.
RELEASE := .build/release/metaxyd

.DEFAULT_GOAL := help
.PHONY: help setup build demo serve test simulate check format schema golden fuzz bench bench-peer drills chaos \
	check-deploy check-contract map clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install the system packages that are missing
	@scripts/setup

build: setup ## build an optimised server
	$(SWIFT) build -c release --product metaxyd

demo: ## run the example pipeline on real media files
	@scripts/setup demo
	$(SWIFT) build -c release --product metaxyd
	demo/run $(RELEASE)

serve: build ## run the server on loopback, without authentication, with the embedded PostgreSQL
	$(RELEASE) serve --insecure-no-auth

check: setup ## check the formatting and build with warnings as errors
	scripts/check-format
	$(SWIFT) build --build-tests

# One target at a time, so that targets with deadlines do not share the cores with busy ones.
TESTS := TidyTests BaseTests JSONTests FeatureTests LeaseTests WebTokenTests GzipTests HTTPTests HTTPServerTests PostgresTests StoreTests ServiceTests \
	APITests ProcessTests

# Python environments below .build for the checks of the contract and of the deployment.
CHECKS := .build/checks

$(CHECKS)/%/installed: scripts/%.txt | setup
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	@touch $@

# A thousand of the 10,000 seeds of the simulation, chosen by the commit.
COMMIT := $(or $(shell git rev-parse HEAD 2>/dev/null | cut -c1-4),0)
SIMULATIONS ?= $(shell first=$$((0x$(COMMIT) % 10 * 1000)); echo "$$first..<$$((first + 1000))")

test: check $(CHECKS)/contract/installed ## run all tests
	@set -e; for target in $(TESTS); do \
		seeds=; if [ $$target = ServiceTests ]; then seeds="METAXY_SIMULATIONS=$(SIMULATIONS)"; fi; \
		echo "== $$target $$seeds"; env $$seeds $(SWIFT) test --skip-build --filter "^$$target\."; \
	done
	@echo "== The request parser compared with h11"
	/usr/bin/python3 Tests/Differential/differential.py .build/debug/HTTPRequestReader
	@echo "== Fuzzing"
	fuzz/run 5
	@echo "== The server against openapi.yaml"
	$(CHECKS)/contract/bin/python scripts/check-contract .build/debug/metaxyd --examples 15 --seed $$((0x$(COMMIT)))

simulate: setup ## simulate claims under faults from 10,000 seeds; takes about ten minutes
	$(SWIFT) build --build-tests
	METAXY_SIMULATIONS='0..<10000' $(SWIFT) test --skip-build --filter '^ServiceTests\.SimulationTests'

fuzz: setup ## fuzz each parser for SECONDS (default 600)
	fuzz/run $(or $(SECONDS),600)

format: ## format all Swift sources in place
	$(SWIFT) format -i -r Package.swift Sources Tests fuzz migrations

schema: setup ## rewrite migrations/schema.sql from the migrations
	METAXY_WRITE_SCHEMA=1 $(SWIFT) test --filter SchemaTests

golden: setup ## rewrite the checked-in query plans and made statements
	METAXY_WRITE_PLANS=1 $(SWIFT) test --filter 'CostTests|MadeStatementTests'

RECORDS ?= 100000

bench: build ## run the benchmark with RECORDS and OPTIONS; see bench/README.md
	bench/run $(RELEASE) --records $(RECORDS) $(OPTIONS)

# A Python environment below .build with the Metaxy library.
PEER := .build/peer

$(PEER)/installed: bench/peer/requirements.txt
	python3 -m venv $(PEER)
	$(PEER)/bin/pip install --quiet --requirement bench/peer/requirements.txt
	@touch $@

bench-peer: build $(PEER)/installed ## compare with the Metaxy library on the same PostgreSQL; RECORDS
	bench/peer/run $(RELEASE) $(PEER)/bin/python --records $(RECORDS)

drills: build ## run the disaster drills: restarts, outages, failover, restore
	@scripts/setup drills
	scripts/drills/run $(RELEASE)

# The seed of `make chaos` and `make check-contract`.
SEED ?= $(shell date +%s)

chaos: build ## kill workers, servers and PostgreSQL at random for SECONDS (default 300) and check the lineage; SEED
	@scripts/setup drills
	scripts/chaos/run $(RELEASE) --seconds $(or $(SECONDS),300) --seed $(SEED)

check-deploy: build $(CHECKS)/deployment/installed ## check deploy/ with its tools, and the dashboard with a live Prometheus
	@scripts/setup drills
	@scripts/setup demo
	$(CHECKS)/deployment/bin/python scripts/check-deploy
	scripts/check-dashboard $(RELEASE)

# The number of requests that `make check-contract` sends for each operation.
EXAMPLES ?= 50

check-contract: $(CHECKS)/contract/installed ## test a real server against openapi.yaml; EXAMPLES and SEED
	@scripts/setup drills
	$(SWIFT) build --product metaxyd
	$(CHECKS)/contract/bin/python scripts/check-contract .build/debug/metaxyd --examples $(EXAMPLES) --seed $(SEED)

map: ## print every file's first sentence by room; ROOM, such as Service/Claims
	@scripts/map $(ROOM)

clean: ## remove the build directory
	rm -rf .build
