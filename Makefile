.PHONY: all fmt lint test bench

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

bench:
	go test -run '^$$' -bench . ./...
