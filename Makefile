.PHONY: all fmt lint test compat soak trees bench mutants chat-browser conformance conformance-traces

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

# The page of corolla serve chat in a headless Chromium, which must be installed. PICTURES names a folder for
# pictures of it.
chat-browser:
	COROLLA_PICTURES=$(PICTURES) go test -tags browser -run '^TestChatInABrowser$$' -count 1 -timeout 2m ./cmd/corolla

# The frameworks that the models come from, run beside their twins in conformance/. They need Debian's python3,
# python3-twisted and python3-eventlet, which .ci/run installs.
PYTHON ?= /usr/bin/python3
conformance:
	go test -count=1 -timeout 10m ./conformance -python $(PYTHON)

# Stores what the frameworks print as the traces to compare with.
conformance-traces:
	go test -count=1 ./conformance -run '^TestFrameworks$$' -python $(PYTHON) -update
	go test -count=1 ./conformance -run '^TestReadme$$' -update

soak:
	COROLLA_SOAK=$(or $(SOAK),3m) go test -run '^TestSoak$$' -v -timeout 30m ./aio

# Random trees of Deferreds against a model of them: twenty times as many as in go test.
trees:
	COROLLA_SEEDS=$(or $(SEEDS),100000) go test -run '^TestRandomTrees$$' -v -timeout 30m ./deferred

bench:
	go test -run '^$$' -bench . ./...

# Changes the package in small ways, one at a time, and says which its tests do not notice (LIVED).
mutants:
	go tool -modfile=tools/mutants.mod gremlins unleash --workers 1 $(or $(PKG),./gen)
