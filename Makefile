.PHONY: all fmt lint test compat cluster cluster-test conformance conformance-traces explore seeded-bug soak trees bench mutants chat-browser reload-test

all: fmt lint test

fmt:
	go tool -modfile=tools/go.mod gofumpt -l -w .

lint:
	test -z "$$(go tool -modfile=tools/go.mod gofumpt -l .)"
	go tool -modfile=tools/go.mod staticcheck ./...
	for os in linux darwin freebsd windows; do GOOS=$$os go vet ./... || exit 1; done

test:
	go test ./...
	go test -race ./...

# Other people's libraries on green threads. It wants redis-server, postgresql and mariadb-server-core, which
# .ci/run installs; with CI set it fails without them, and does not skip what needs them.
compat:
	cd compat && go vet ./... && go tool -modfile=../tools/go.mod staticcheck ./...
	cd compat && CI=true go test -race -timeout 3m ./...

# Many machines, on NATS: with nodes in this process, and, where network namespaces are allowed, in three of those.
cluster:
	cd cluster && go vet ./... && go tool -modfile=../tools/go.mod staticcheck ./...
	cd cluster && go test -race -timeout 15m ./...

# Three nodes in network namespaces, which needs root, each the whole program: one after the other is killed, started
# again, cut off for ten seconds, and rolled through a new version, for as long as LONG says, with 1,000 clients.
cluster-test:
	cd cluster && COROLLA_CLUSTER=$(or $(LONG),5m) go test -run '^TestChatAcrossFailingMachines$$' -v -count 1 -timeout 90m ./cmd/corolla

# The page of corolla serve chat in a headless Chromium, which must be installed. PICTURES names a folder for
# pictures of it.
chat-browser:
	COROLLA_PICTURES=$(PICTURES) go test -tags browser -run '^TestChatInABrowser$$' -count 1 -timeout 2m ./internal/program

# The frameworks that the models come from, run beside their twins in conformance/. They need Debian's python3,
# python3-twisted and python3-eventlet, which .ci/run installs.
PYTHON ?= /usr/bin/python3
conformance:
	go test -count=1 -timeout 10m ./conformance -python $(PYTHON)
	CI=true go test -count=1 -timeout 5m ./conformance/wire -python $(PYTHON)

# Stores what the frameworks print as the traces to compare with.
conformance-traces:
	go test -count=1 ./conformance -run '^TestFrameworks$$' -python $(PYTHON) -update
	go test -count=1 ./conformance -run '^TestReadme$$' -update

# Everything through N bad days each, a line for each model; FROM is the first seed, for others each night. A run that
# fails is shown with what replays it.
EXPLORED = ./examples/echo ./examples/chat ./examples/eventlet/chat ./examples/counter ./web ./web/websocket ./service ./shard ./internal/program
explore:
	@bash -o pipefail -c "go test -count=1 -p 1 -timeout 180m -run '^TestExplore' -v $(EXPLORED) \
		-sim.n=$(or $(N),10000) -sim.from=$(or $(FROM),1) | grep --line-buffered -vE '^ +[0-9]+  |^===|^ *---|^PASS'"

# Has the bug in examples/counter found, by going back to rare states and then blindly, and says after how many runs.
seeded-bug:
	examples/counter/seeded-bug.sh $(or $(FROM),1)

soak:
	COROLLA_SOAK=$(or $(SOAK),3m) go test -run '^TestSoak$$' -v -timeout 30m ./aio

# Random trees of Deferreds against a model of them: twenty times as many as in go test.
trees:
	COROLLA_SEEDS=$(or $(SEEDS),100000) go test -run '^TestRandomTrees$$' -v -timeout 30m ./deferred

# Clients that make 2,000 requests a second through 50 reloads, and through as many workers that are killed besides.
reload-test:
	COROLLA_RELOADS=$(or $(RELOADS),50) go test -run '^TestReloads$$' -v -count 1 -timeout 30m ./worker

bench:
	go test -run '^$$' -bench . ./...

# Changes the package in small ways, one at a time, and says which its tests do not notice (LIVED).
mutants:
	go tool -modfile=tools/mutants.mod gremlins unleash --workers 1 $(or $(PKG),./gen)
