module github.com/corolla-go/corolla

go 1.25

require golang.org/x/sys v0.38.0

require golang.org/x/net v0.47.0
