// Package web is HTTP/1.1 on the loop, for net/http's handlers:
//
//	corolla.Main(func(t *corolla.Task) error {
//		ln, err := aio.Listen(t.Loop(), "tcp", ":8080")
//		if err != nil {
//			return err
//		}
//		visits := 0
//		return web.Serve(t, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			visits++ // no lock: handlers run on the loop, one at a time
//			fmt.Fprintf(w, "visit %d\n", visits)
//		}))
//	})
//
// Each request runs its handler in a task of its own, a coroutine on the loop's goroutine, so
// handlers share state without locks. Other handlers run only while one waits: when it reads a body
// that has not arrived, writes more than the peer takes, or calls something that waits. It may wait
// with everything that package corolla offers, for which Task returns its task, and with package
// green, but it must not block: a mutex held while another handler wants it, time.Sleep, a channel, or
// a database driver stop the whole loop. Offload is for those. A handler must not use its
// ResponseWriter or request body on other goroutines.
//
// A request costs a task only once its head has arrived whole and was checked. Between requests
// a connection has neither a task nor a buffer.
//
// # What differs from net/http's server
//
// Requests that leave room for doubt are refused, where net/http accepts some of them: a repeated
// Content-Length, versions other than 1.0 and 1.1, lines that do not end in CRLF. Every timeout has a
// default. There is no HTTP/2: see OnLoop. The connection of a handler that panics is reset.
//
// http.MaxBytesReader cannot tell this server that a body was too large, as it calls a method that only
// net/http's own writer can have. Reading fails all the same, but the server then reads on as it does behind
// every handler, up to 256 KiB, before it closes the connection. To have it not read on, set the header
// "Connection: close" before the answer begins.
//
// net/http's TimeoutHandler runs its handler on another goroutine, which must not be; use the
// one of this package.
package web
