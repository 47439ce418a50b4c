// Package cluster makes one of many copies of a program, on as many machines, with NATS between them: a
// nats-server runs in the process, or the program connects to one.
//
//	c, err := cluster.Embed(l, cluster.Name("a"), cluster.Routes("10.0.0.1:6222"),
//		cluster.Join("10.0.0.1:6222", "10.0.0.2:6222", "10.0.0.3:6222"), cluster.Store("/var/lib/chat")).Await(t)
//
// Everything here belongs to the loop, and panics when a foreign goroutine calls it. What arrives is given to
// callbacks, or to tasks that ask for it; what is asked for is a corolla.Future, which deferred.FromFuture
// makes a Deferred of. Nothing that is called on the loop waits: nats.go, whose calls may, is called on other
// goroutines, and what it has received comes to the loop in batches.
//
// # What is promised
//
// Subjects (Publish, Subscribe, Request) are NATS's own: at most once. A message is lost when a connection or
// a machine is, and when a subscription is so far behind that its Pending is used up; that is reported to
// the loop's error handler, as a *SlowError, and counted. What one Conn publishes arrives in that order.
//
// Publish never waits. What is not sent yet is bounded, and what comes on top of that is refused with ErrFull,
// or dropped, as Outgoing says, and counted.
//
// Streams (Stream.Publish, Stream.Consume, Stream.Follow) are JetStream's. A message that was acknowledged
// to its publisher is stored, by most of the stream's replicas, and every consumer gets it: at least once
// with Consume, which comes back, under its name, to what was not acknowledged, even in another process.
// Follow acknowledges nothing, and returns each message once, in the stream's order, for as long as it lasts,
// across the loss of connections and machines. Nobody is too slow for a stream: a reader is sent only what it
// has room for. What has left the stream by its limits is gone, and Follow skips it.
//
// Stream.Publish tries again until its Patience is over, with an id, by which the stream takes a message
// once; so does a program that publishes again what it does not know to be stored, with the ID it had given
// it. What one Conn publishes to one subject of a stream is stored in that order: the next is
// sent when the one before was acknowledged. A publication that has failed may still have been stored.
//
// JetStream says of a stream that has just been made, and of any while leaders change, that it is not found. So that
// is tried again, like everything that may pass: a call fails with it, and a Reader or a State ends, when it
// has been the answer for 30 seconds and no other came between. Where there is no leader, or no
// connection, calls wait for as long as they are let, and Readers and States go on when there is one again.
//
// State and Presence are copies, on every node, of a key-value bucket of JetStream's. They are up to date on
// a node that is connected to most of the others, and as old as the cut on one that is not. Who was present on
// a node that has died, or cannot be reached, is gone after the Presence's time to live.
//
// # What is not
//
// An acknowledged message is in the memory of the system on most of the replicas, and not on their
// disks, unless the server is told to sync always (ServerOptions): it survives processes that are killed,
// and not that all machines lose their power at once.
//
// With two nodes, or with half of four cut off, there is no majority: streams, states and presences stand
// still until there is. Subjects go on.
//
// A simulated loop has no machines to connect: Connect and Embed fail with errors.ErrUnsupported.
package cluster
