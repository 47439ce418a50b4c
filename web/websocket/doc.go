// Package websocket is WebSocket (RFC 6455) on the loop, with compression (RFC 7692): for servers whose
// connections are many and mostly idle, and send one another messages.
//
//	func main() {
//		room := map[*websocket.Conn]bool{}
//		corolla.Main(func(t *corolla.Task) error {
//			ln, err := aio.Listen(t.Loop(), "tcp", ":8080")
//			if err != nil {
//				return err
//			}
//			return web.Serve(t, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//				c, err := websocket.Accept(w, r)
//				if err != nil {
//					return // the client has its answer
//				}
//				defer c.CloseNow()
//				room[c] = true
//				defer delete(room, c)
//				for {
//					kind, b, err := c.Receive(web.Task(r))
//					if err != nil {
//						return
//					}
//					message := websocket.Prepare(kind, b)
//					for other := range room {
//						_ = other.TryWritePrepared(message) // who is too slow misses it
//					}
//				}
//			}))
//		})
//	}
//
// Calls that take a task may suspend it, and no others do. Accept is the exception: like the
// ResponseWriter that it is given, it runs in a handler.
//
// Messages are read and written whole, as most are short. Conn.NextReader and Conn.NextWriter are for those
// that are not: they take and give a message in pieces, and hold little of it.
//
// A connection that waits for a message costs its task and nothing else: data arrives in memory of the
// loop's, and the compressors are shared. What peers can make it hold is bounded: a message, by MaxMessage;
// what is unsent, by the water marks of the aio.Conn; answers to pings, of which only the last one waits;
// and the time that a closing handshake may take.
package websocket
