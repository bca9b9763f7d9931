# The two commands that matter are `make demo` and `make test`; `make help` lists the rest.

SWIFT ?= swift
# Debug and release builds keep apart from each other below .build.
RELEASE := .build/release/metaxyd

.DEFAULT_GOAL := help
.PHONY: help setup build demo serve test simulate check format schema golden fuzz bench bench-peer drills chaos \
	check-deploy check-contract clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install the system packages that are missing
	@scripts/setup

build: setup ## build the server, optimised
	$(SWIFT) build -c release --product metaxyd

demo: ## run the example pipeline on real media files, end to end
	@scripts/setup demo
	$(SWIFT) build -c release --product metaxyd
	demo/run $(RELEASE)

serve: build ## run the server on loopback, without authentication, with the embedded PostgreSQL
	$(RELEASE) serve --insecure-no-auth

check: setup ## formatting, then a build with all warnings as errors
	scripts/check-format
	$(SWIFT) build --build-tests

# One target after the other: those that watch deadlines are not disturbed by those that keep both cores busy.
TESTS := TidyTests JSONTests FeatureTests LeaseTests WebTokenTests GzipTests HTTPTests HTTPServerTests PostgresTests StoreTests ServiceTests \
	APITests ProcessTests

# What checks the contract, and what checks the deployment: Python packages in environments of their own below .build.
CHECKS := .build/checks

$(CHECKS)/%/installed: scripts/%.txt | setup
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	@touch $@

# A thousand of the 10,000 seeds of the simulation, others with other commits.
COMMIT := $(or $(shell git rev-parse HEAD 2>/dev/null | cut -c1-4),0)
SIMULATIONS ?= $(shell first=$$((0x$(COMMIT) % 10 * 1000)); echo "$$first..<$$((first + 1000))")

test: check $(CHECKS)/contract/installed ## everything that is tested
	@set -e; for target in $(TESTS); do \
		seeds=; if [ $$target = ServiceTests ]; then seeds="METAXY_SIMULATIONS=$(SIMULATIONS)"; fi; \
		echo "== $$target $$seeds"; env $$seeds $(SWIFT) test --skip-build --filter "^$$target\."; \
	done
	@echo "== The request parser against h11, which is Debian's"
	/usr/bin/python3 Tests/Differential/differential.py .build/debug/HTTPRequestReader
	@echo "== Fuzzing"
	fuzz/run 5
	@echo "== The server against openapi.yaml"
	$(CHECKS)/contract/bin/python scripts/check-contract .build/debug/metaxyd --examples 15 --seed $$((0x$(COMMIT)))

simulate: setup ## claims under simulated faults, 10,000 seeds; about ten minutes
	$(SWIFT) build --build-tests
	METAXY_SIMULATIONS='0..<10000' $(SWIFT) test --skip-build --filter '^ServiceTests\.SimulationTests'

fuzz: setup ## fuzz each parser for SECONDS (600 unless told)
	fuzz/run $(or $(SECONDS),600)

format: ## format all Swift sources in place
	$(SWIFT) format -i -r Package.swift Sources Tests fuzz migrations

schema: setup ## write migrations/schema.sql anew from the migrations
	METAXY_WRITE_SCHEMA=1 $(SWIFT) test --filter SchemaTests

golden: setup ## write the checked-in plans of the hot statements anew
	METAXY_WRITE_PLANS=1 $(SWIFT) test --filter CostTests

RECORDS ?= 100000

bench: build ## measure; see bench/README.md; RECORDS, OPTIONS
	bench/run $(RELEASE) --records $(RECORDS) $(OPTIONS)

# The Metaxy library, in a Python environment of its own below .build.
PEER := .build/peer

$(PEER)/installed: bench/peer/requirements.txt
	python3 -m venv $(PEER)
	$(PEER)/bin/pip install --quiet --requirement bench/peer/requirements.txt
	@touch $@

bench-peer: build $(PEER)/installed ## measure beside the Metaxy library on the same PostgreSQL; RECORDS
	bench/peer/run $(RELEASE) $(PEER)/bin/python --records $(RECORDS)

drills: build ## the disaster drills: restarts, outages, failover, restore
	@scripts/setup drills
	scripts/drills/run $(RELEASE)

# By what `make chaos` and `make check-contract` choose.
SEED ?= $(shell date +%s)

chaos: build ## kill workers, servers and PostgreSQL at random for SECONDS (300 unless told) and look for what is lost; SEED
	@scripts/setup drills
	scripts/chaos/run $(RELEASE) --seconds $(or $(SECONDS),300) --seed $(SEED)

check-deploy: build $(CHECKS)/deployment/installed ## deploy/ held against its tools, and the dashboard against a live Prometheus
	@scripts/setup drills
	@scripts/setup demo
	$(CHECKS)/deployment/bin/python scripts/check-deploy
	scripts/check-dashboard $(RELEASE)

# How many requests `make check-contract` tries for each operation.
EXAMPLES ?= 50

check-contract: $(CHECKS)/contract/installed ## a real server held against openapi.yaml; EXAMPLES and SEED
	@scripts/setup drills
	$(SWIFT) build --product metaxyd
	$(CHECKS)/contract/bin/python scripts/check-contract .build/debug/metaxyd --examples $(EXAMPLES) --seed $(SEED)

clean: ## remove what was built
	rm -rf .build
