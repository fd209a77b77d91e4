# Every target works on a fresh machine with Go, git and make; what else it needs it installs.

SHELL   := bash
MODULES := $(shell git ls-files --cached --others --exclude-standard -- 'go.mod' '*/go.mod' | xargs -n1 dirname)

# The version that every module has and requires of the others, and the modules that nobody imports.
VERSION     := v0.2.0
UNPUBLISHED := contrib/demo contrib/durablestreams/cmd/serve contrib/examples contrib/examples/restart contrib/interop \
  contrib/tiered/tests bench/peers internal/tools

STATIC  := $(CURDIR)/.tools/staticcheck
STAT    := $(CURDIR)/.tools/benchstat
WIDTHS  := $(CURDIR)/.tools/widths
VULN    := $(CURDIR)/.tools/govulncheck

# What is tested on 32 bits, wherever that is possible.
CORE32 := ./ring ./shard ./internal/...

# How long the long runs run.
FUZZTIME   ?= 5m
SOAKTIME   ?= 10m
CHAOSTIME  ?= 10m
STRESSTIME ?= 10s
STALLTIME  ?= 20s
BENCHTIME  ?= 300ms
COUNT      ?= 6

# In every module of the repository, one after the other, stopping at the first failure.
each = @set -e; time for m in $(MODULES); do echo "── $$m"; (cd $$m && $(1)); done

# Makes targets two at a time, for one seldom keeps two processors busy. What a command writes is shown whole when it has
# ended. After a failure no other target begins.
beside = @$(MAKE) --no-print-directory -j2 --output-sync=line $(1)

# How bash's time says what a part of make test took: elapsed, in user mode and in the kernel.
export TIMEFORMAT := took %lR, %lU user, %lS system

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the main job: a client whose connection breaks ten times resumes without loss, the core under load, a server that is killed
	@cd contrib/demo && go run . $(ARGS)

serve: ## the demo's MCP server for a client of your own, a page whose stream you can cut, and the Inspector (ARGS=--help lists the flags)
	@cd contrib/demo && go run . serve $(ARGS)

# What is tested under the race detector: one target for each module, those that take longest first.
SLOWEST := contrib/redis . contrib/tiered/tests contrib/durablestreams/cmd/serve contrib/interop contrib/gosdk
RACED   := $(addprefix race-,$(SLOWEST) $(filter-out $(SLOWEST),$(MODULES)))

# What make test makes two at a time, in this order: lint keeps the processors busy while contrib/redis waits for servers.
CHECKS := $(firstword $(RACED)) lint $(wordlist 2,99,$(RACED)) release-check stall models machines stress plain

test: ## every check, two at a time: lint, all tests with and without the race detector, stress, writers stopped at every step, 32 bits, models, use from outside
	@$(MAKE) --no-print-directory -j1 cc others spin $(STATIC) $(WIDTHS)
	$(call beside,STRESSTIME=2s STALLTIME=5s $(CHECKS))

plain: ## the core's tests without the race detector, which hides what allocates
	go test -vet=off -timeout 10m ./ring ./shard ./replay/... ./internal/...

race: cc others ## all tests of all modules under the race detector
	$(call beside,$(RACED))

# What they need, race and test have installed: a target that waits for another one loses its place. lint vets the tests.
$(RACED): race-%:
	@echo "   race $* begins"
	@echo "── race $*"; cd $* && time go test -race -vet=off -timeout 15m ./...

stress: cc ## eight writers and eight readers on a ring of eight, STRESSTIME at GOMAXPROCS 1, 2, 4 and 8 each
	REPRISE_STRESS=$(STRESSTIME) go test -race -vet=off -timeout 10m -run Stress ./ring

stall: cc ## the ring's protocol with goroutines stopped between its steps, in new orders for STALLTIME
	REPRISE_EXPLORE=$(STALLTIME) go test -race -vet=off -tags reprise_steps -timeout 15m ./ring

machines: ## the core's tests on 32 bits (linux/386), and builds for arm64, windows and darwin
	@mkdir -p .tools && printf 'package main\n\nfunc main() {}\n' > .tools/empty.go
	@if GOARCH=386 go run .tools/empty.go 2>/dev/null; then GOARCH=386 go test -vet=off -timeout 10m $(CORE32) ./replay/... ./fuzz/soak; \
	  else echo "this kernel runs no 32-bit programs: qemu does, all but those of ./replay and ./fuzz/soak, which are vetted"; \
	    $(MAKE) --no-print-directory machines-emulated; fi
	@for m in linux/arm64 windows/amd64 darwin/arm64; do echo "── build $$m"; GOOS=$${m%/*} GOARCH=$${m#*/} go build ./ring ./shard ./replay/... || exit; done

# Go's preemption by signals does not survive qemu, and a million sessions at once are too many for it.
machines-emulated:
	$(call need,qemu-i386,qemu-user)
	GOARCH=386 GODEBUG=asyncpreemptoff=1 go test -timeout 20m -exec qemu-i386 -skip TestManySessionsExpireTogetherWhileOthersAppend $(CORE32)
	GOARCH=386 go vet ./replay/... ./fuzz/soak

bench: $(STAT) ## the core's benchmarks, COUNT runs of BENCHTIME each, summed up by benchstat
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -count $(COUNT) ./bench | tee .tools/bench.txt
	@$(STAT) .tools/bench.txt

bench-peers: ## the core beside its peers, interleaved run by run: about ten minutes, up to 5 GiB, on an idle machine; writes bench/RESULTS.md
	cd bench/peers && go run ./cmd/compare -o ../RESULTS.md $(ARGS)

bench-redis: ## contrib/redis beside plain and scripted XADD, on a redis-server of its own: two minutes, on an idle machine
	$(call need,redis-server,redis-server)
	@cd contrib/redis && go test -run '^$$' -bench '^BenchmarkTable$$' -benchtime 1x -timeout 10m .

verdict: ## correctness cases, for the core and its peers: who passes what (ARGS='-only "evicted ID"' runs one), half a minute
	@cd bench/peers && go run ./cmd/verdict $(ARGS)

bench-scale: ## what a million sessions and ten million events cost: one table, five minutes on an idle machine, up to 9 GiB (ARGS=-quick: a minute)
	@go run ./bench/scale $(ARGS)

report: ## the same as bench/REPORT.md, with charts, and as bench/RESULTS.md
	cd bench/peers && go run ./cmd/compare -o ../REPORT.md -charts report -plain ../RESULTS.md $(ARGS)

fuzz: ## each fuzz target for FUZZTIME; making an interesting input smaller, which takes a minute by default, is cut short
	REPRISE_EXPLORE=$(FUZZTIME) go test -tags reprise_steps -timeout 0 -run TestExplore ./ring
	@set -e; for p in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$p/*_test.go | cut -c6-); do \
	    echo "── $$p $$f"; (cd $$p && go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s .); done; done

spin: cc
	$(call need,spin,spin)

model: spin ## the Promela models of the ring's protocol in every interleaving, and mutants of them: 19 searches of up to 1.9 GiB each, two at a time, and 42 of mutants: half an hour on two processors
	go test -tags model -timeout 90m -v ./fuzz/model

models: spin ## the same with fewer events, in less than a minute
	go test -vet=off -tags model -timeout 10m -short ./fuzz/model

mutants: ## breaks the core in one place after the other and wants a named test to fail each time: five minutes of processor time (ARGS='-only wheel' breaks some)
	@go run ./fuzz/mutants $(ARGS)

soak: ## everything at once for SOAKTIME: nothing lost, doubled or torn, memory and latency flat
	REPRISE_SOAK=$(SOAKTIME) go test -timeout 0 -v ./fuzz/soak

chaos: cc ## contrib/redis and contrib/tiered beside Local, each for CHAOSTIME, with faults: connections cut, a server that hangs, keys dropped, calls that are lost or late
	$(call need,redis-server,redis-server)
	cd contrib/redis && REPRISE_CHAOS=$(CHAOSTIME) go test -race -timeout 0 -run '^TestChaos' -v .
	cd contrib/tiered/tests && REPRISE_CHAOS=$(CHAOSTIME) go test -race -timeout 0 -run '^TestChaos' -v .

crash: cc ## contrib/pebble, and contrib/tiered in front of it: processes killed and disks that fail CRASHES times, 300 by default
	cd contrib/pebble && REPRISE_CRASHES=$(or $(CRASHES),300) go test -race -timeout 0 -run 'Killed|Disk|WriteThatFails' -v .
	cd contrib/tiered/tests && REPRISE_CRASHES=$(or $(CRASHES),300) go test -race -timeout 0 -run '^TestAKilledProcess' -v .

bench-pebble: ## contrib/pebble beside bare Pebble batches that write the same bytes, with Sync, and the opening after a kill: three minutes, on an idle machine
	@cd contrib/pebble && go test -run '^$$' -bench '^Benchmark(Table|Recovery)$$' -benchtime 1x -timeout 10m .

bench-tiered: ## contrib/tiered over pebble and over redis, with Sync and without, beside memory, the Store behind and bare batches: four minutes, on an idle machine
	$(call need,redis-server,redis-server)
	@cd contrib/tiered/tests && go test -run '^$$' -bench '^BenchmarkTable$$' -benchtime 1x -timeout 10m .

bench-durable: ## contrib/durablestreams beside the protocol authors' Node.js server, under wrk: six minutes, on an idle machine
	$(call need,wrk,wrk)
	$(call need,npm,nodejs npm)
	$(call npm,contrib/durablestreams/cmd/serve)
	@cd contrib/durablestreams/cmd/serve && go test -run '^$$' -bench '^BenchmarkServers$$' -benchtime 1x -timeout 30m .

lint: $(STATIC) $(WIDTHS) ## gofmt, go vet, staticcheck, tidy go.mod files, in every module; widths of lines; dependabot's list
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not formatted: $$out"; exit 1; fi
	@for m in $(MODULES:.=); do grep -qx "      - /$$m" .github/dependabot.yml || { echo "not in .github/dependabot.yml: /$$m"; exit 1; }; done
	@grep -qx '      - /' .github/dependabot.yml
	@git ls-files -z --cached --others --exclude-standard | $(WIDTHS)
	$(call each,go mod tidy -diff && go vet ./... && $(STATIC) ./...)
	@go vet -tags reprise_steps ./ring ./internal/step && go vet -tags model ./fuzz/model

release-check: ## each published module as the module proxy would serve it, used from outside the repository, and every Go program of every README
	@cd internal/tools && time go run ./release -root $(CURDIR) -version $(VERSION) -cache -unpublished '$(UNPUBLISHED)'

cover: ## coverage of the core packages, and which of their statements no test reaches; fails below 95 % of a package
	@mkdir -p .tools
	go test -tags reprise_steps -coverprofile .tools/cover.txt \
	  -coverpkg ./ring,./shard,./replay,./replay/inspector,$$(go list ./internal/... | grep -v /internal/testkit | paste -sd,) \
	  ./ring ./shard ./replay/... ./internal/... ./fuzz
	@awk -f internal/tools/cover.awk .tools/cover.txt

vuln: $(VULN) ## known vulnerabilities in what each module depends on
	$(call each,$(VULN) ./...)

clean: ## remove what the targets made
	rm -rf .tools

$(STATIC): TOOL := honnef.co/go/tools/cmd/staticcheck
$(STAT):   TOOL := golang.org/x/perf/cmd/benchstat
$(VULN):   TOOL := golang.org/x/vuln/cmd/govulncheck
$(WIDTHS): TOOL := ./widths
$(STATIC) $(STAT) $(VULN) $(WIDTHS): internal/tools/go.mod internal/tools/go.sum $(wildcard internal/tools/widths/*.go)
	@mkdir -p $(@D)
	cd internal/tools && go build -o $@ $(TOOL)
	@touch $@

# $(call need,program,packages): install Debian packages unless the program is there, without starting the services that they bring.
need = @PATH=$$PATH:/usr/sbin command -v $(1) >/dev/null || { set -e; p=/usr/sbin/policy-rc.d; \
	  [ -e $$p ] || { printf '\#!/bin/sh\nexit 101\n' > $$p; chmod +x $$p; trap "rm $$p" EXIT; }; \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(2); } >&2

cc: # the race detector wants a C compiler
	$(call need,gcc,gcc libc6-dev)

others: # other people's software, for contrib/interop, and the servers of contrib/redis
	$(call need,chromium,chromium)
	$(call need,nginx,nginx)
	$(call need,redis-server,redis-server)
	$(call need,npm,nodejs npm)
	$(call npm,$$(git ls-files --cached --others --exclude-standard -- '*/package-lock.json' | xargs -n1 dirname))

# $(call npm,folders): install what the package-lock.json of each says, unless that is done.
npm = @set -e; for d in $(1); do (cd $$d; cmp -s package-lock.json node_modules/.installed || \
	  { npm ci --ignore-scripts --no-audit --no-fund >&2 && cp package-lock.json node_modules/.installed; }); done

.PHONY: $(RACED) machines-emulated help run serve test plain race stress stall machines cc others bench bench-peers bench-redis bench-pebble bench-tiered bench-durable crash verdict bench-scale report fuzz spin model models mutants soak chaos lint release-check cover vuln clean
