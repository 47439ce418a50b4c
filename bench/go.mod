module github.com/corolla-go/corolla/bench

go 1.25

require github.com/corolla-go/corolla v0.0.0

require golang.org/x/sys v0.38.0

replace github.com/corolla-go/corolla => ../
