# make demo is all that a look needs; make test is what must pass. Both do their own set-up; nothing goes outside this
# folder but Go's caches and, for the tests, Debian packages.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

CACHE := $(CURDIR)/.cache
TOOLS := $(CACHE)/tools-$(shell cat .tools/go.mod .tools/go.sum | cksum | cut -d' ' -f1)
AXE   := $(CACHE)/axe-$(shell cksum < .tools/package-lock.json | cut -d' ' -f1)

# -race needs cgo; netgo keeps name look-ups with Go's own resolver, which refuses .onion names.
RACE  := CGO_ENABLED=1 go test -race -tags netgo
REAL  := CGO_ENABLED=1 go test -race -tags netgo,real -run '^TestReal' -p 1 -timeout 20m
LINT  := CGO_ENABLED=0 GOLANGCI_LINT_CACHE=$(CACHE)/golangci-lint $(CACHE)/bin/golangci-lint

.PHONY: help demo build test test-unit test-real test-deps vet lint bench tools clean-demo go-version

help:
	@echo "make demo        build Wardline and start it with an invented hospital; Ctrl-C ends it"
	@echo "make clean-demo  remove all that the demo left"
	@echo "make build       bin/wardline"
	@echo "make test        everything that must pass: vet, import rules, tests, tests against real parts"
	@echo "make lint        golangci-lint"
	@echo "make bench       benchmarks, compared with the last run; the scan beside other programs"

demo: build
	@exec ./bin/wardline demo

build: go-version
	@CGO_ENABLED=0 go build -buildvcs=false -ldflags "-s -w -X main.commit=$$(git describe --always --dirty 2>/dev/null || true)" -o bin/wardline ./cmd/wardline

test: test-deps vet test-unit test-real

vet: go-version
	@echo "== vet and import rules"
	@CGO_ENABLED=0 go vet -tags real ./...
	@CGO_ENABLED=0 go test -run '^TestLayers$$' ./internal

test-unit: go-version
	@echo "== tests"
	@$(RACE) ./...

# Packages with files for the tag "real": Tor, Chromium, PostgreSQL, a mail server. One package after the other, since
# each starts its own. Every test in such a file is called TestReal…, so that no test runs twice.
test-real: test-deps
	@echo "== tests against real parts"
	@$(REAL) $$(grep -rl --include='*_test.go' '^//go:build real' cmd internal | xargs -n1 dirname | sort -u | sed 's|^|./|')

test-deps: go-version
	@.tools/deps
	@$(MAKE) tools $(AXE)

tools: $(TOOLS)

$(TOOLS): | go-version
	@echo "== building the tools (once; about two minutes)"
	@mkdir -p $(CACHE)/bin
	@cd .tools && CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -o $(CACHE)/bin/ tool
	@rm -f $(CACHE)/tools-* && touch $@

$(AXE):
	@mkdir -p $(CACHE)/axe
	@cp .tools/package.json .tools/package-lock.json $(CACHE)/axe/
	@npm ci --prefix $(CACHE)/axe --cache $(CACHE)/npm --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@rm -f $(CACHE)/axe-* && touch $@

lint: $(TOOLS)
	@echo "== lint"
	@$(LINT) run --allow-serial-runners ./...

BENCH_SIZE ?= 1GiB

# The Go benchmarks beside those of the last run, then the scan as a whole beside the programs that are installed; what
# takes longer than 20 s for one round gets no further one. Under ten minutes together.
bench: $(TOOLS) build
	@mkdir -p $(CACHE)/bench
	@if [[ -f $(CACHE)/bench/new.txt ]]; then mv $(CACHE)/bench/new.txt $(CACHE)/bench/old.txt; fi
	@CGO_ENABLED=0 go test -run '^$$' -bench . -benchmem -benchtime 0.5s -count 4 ./internal/... | grep -v 'no test files' | tee $(CACHE)/bench/new.txt
	@if [[ -f $(CACHE)/bench/old.txt ]]; then $(CACHE)/bin/benchstat $(CACHE)/bench/old.txt $(CACHE)/bench/new.txt; fi
	@./bin/wardline bench --size $(BENCH_SIZE) --terms 10000 --patience 20s

# Not the whole of .wardline, which is also where a real database lies by default.
clean-demo: build
	@./bin/wardline demo --remove
	@rm -rf bin

go-version:
	@command -v go >/dev/null || { echo "Wardline needs Go 1.26 or newer, and there is no go on the PATH (README: where Go comes from)." >&2; exit 2; }
	@v=$$(go env GOVERSION); v=$${v#go}; v=$${v%% *}; \
	if [[ $$(printf '1.26\n%s\n' "$$v" | sort -V | head -n 1) != 1.26 ]]; then \
		echo "Wardline needs Go 1.26 or newer; this is Go $$v (README: where Go comes from)." >&2; exit 2; \
	fi
