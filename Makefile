# The commands of this repository:
#
#   build       static, stripped binaries in bin/
#   demo        three rollouts under load: bare, with a preStop sleep, behind lameduck (a minute at most)
#   test        all tests, those of the data plane with the race detector (under five minutes)
#   mutants     the tests must notice when a promise is broken: for changed files, or for all with ALL=1
#   check       format, lint, the shape and language of the source, a tidy go.mod
#   fuzz        every fuzz target for FUZZTIME (10m)
#   e2e         the tests on a Kubernetes cluster: KUBECONFIG and E2E_LOAD_IMAGE choose it, else kind creates one (deploy/e2e)
#   bench       what a rollout loses and what a proxy costs, as a page in bin/bench (five minutes)
#   bench-full  the same in full, into bench/results (more than an hour; BENCH_FLAGS=-resume resumes it)
#
# .ci/run runs all tests and mutants, with no test skipped.

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 10m

# The Go command builds it from source and verifies its checksum. It is not a dependency of the
# module.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TOOLS := ./.ci/mutants ./.ci/shape # ./... does not match them

# The longest tests begin first. They wait most of the time, so one package more than there are
# cores is tested at a time.
LONGEST  := ./cmd/lameduck/integration
PACKAGES := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

.PHONY: help build demo test test-data-plane test-others test-without-race mutants check fuzz e2e bench bench-full bench-tools

help:
	@sed -n 's/^#   //p' Makefile

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

demo:
	go run ./bench/demo

# TEST_LONG=1 runs the long form of the tests that have one, and everything with the race detector.
# The two parts run side by side, as both wait for much of their time.
test:
	go vet ./... $(TOOLS)
	@$(MAKE) --no-print-directory -j2 test-data-plane test-others
	@$(MAKE) --no-print-directory test-without-race
	@echo "== passed; next: make mutants, make check"

test-data-plane:
	@echo "== the data plane and the lifecycle, with the race detector (the first time, two minutes go into compiling)"
	go test -race -timeout 40m ./proxy/... ./lifecycle/...

test-others:
	@echo "== everything else; tests whose program is not installed are skipped"
	go test -p $(PACKAGES) $(if $(TEST_LONG),-race) -timeout 40m $(LONGEST) $$(go list ./... | grep -vx 'lameduck/\(\(proxy\|lifecycle\).*\|cmd/lameduck/integration\)') $(TOOLS)

# Under the race detector processes need more memory and pools drop entries, and a simulation has no
# races.
test-without-race:
	go test -run 'Allocat|HoldsNoBuffer|Simulated' ./proxy/... ./lifecycle/...
	go test -timeout 40m ./bench/hold/sim # from the cache, unless TEST_LONG is set
	go test -tags lockcount -run TakesTheMutex ./proxy

mutants:
	go run ./.ci/mutants $(if $(ALL),,-changed)

e2e:
	deploy/e2e/run $(E2E_FLAGS)

check:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w is needed for:" $$files; exit 1; }
	go vet -tags e2e ./... $(TOOLS)
	go mod tidy -diff
	go run ./.ci/shape
	go run $(GOLANGCI_LINT) run --build-tags e2e ./... $(TOOLS)

fuzz:
	.ci/fuzz $(FUZZTIME)

bench: bench-tools
	@mkdir -p bin/bench
	go run ./bench/overhead -quick -json bin/bench/overhead.json
	go run ./bench/matrix -out bin/bench $(BENCH_FLAGS)
	go run ./bench/hold -n 20000 -json bin/bench/hold.json
	go run ./bench/page -in bin/bench

bench-full: bench-tools
	@mkdir -p bench/results
	go run ./bench/matrix -full -out bench/results $(BENCH_FLAGS)
	go run ./bench/overhead -json bench/results/overhead.json
	go run ./bench/hold -json bench/results/hold.json
	go run ./bench/hold -real -pods 10 -json bench/results/hold-real.json
	go run ./bench/page -in bench/results

# Program and Debian package. Debian has servers in /usr/sbin, which is not in the PATH of users.
BENCH_NEEDS := nginx:nginx-light haproxy:haproxy wrk:wrk
BENCH_TAKES := caddy:caddy node:nodejs h2load:nghttp2-client nghttpd:nghttp2-server

bench-tools:
	@lacks() { for p; do command -v "$${p%:*}" >/dev/null || test -x "/usr/sbin/$${p%:*}" || printf ' %s' "$${p#*:}"; done; }; \
	needed=$$(lacks $(BENCH_NEEDS)); optional=$$(lacks $(BENCH_TAKES)); \
	if test -n "$$needed"; then echo "missing: apt-get install$$needed$${optional:+ (and, for more,$$optional)}"; exit 1; fi; \
	if test -n "$$optional"; then echo "some peers are left out without: apt-get install$$optional"; fi
