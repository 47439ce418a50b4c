module github.com/corolla-go/corolla

go 1.26

require golang.org/x/sys v0.38.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/gobwas/ws v1.5.0
	golang.org/x/net v0.47.0
)

require github.com/gobwas/httphead v0.1.0 // indirect
