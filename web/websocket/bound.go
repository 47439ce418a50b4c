package websocket

import "github.com/corolla-go/corolla/green"

// Bound is a Conn for green threads: its methods take no task, since the hub knows which thread is running.
type Bound struct {
	hub  *green.Hub
	conn *Conn
}

// Green returns the connection for the threads of a hub. Both remain usable.
func (c *Conn) Green(h *green.Hub) *Bound { return &Bound{h, c} }

// Conn returns the underlying connection, for all that does not wait.
func (b *Bound) Conn() *Conn { return b.conn }

// Read is Conn.Read.
func (b *Bound) Read() (Kind, []byte, error) { return b.conn.Read(b.hub.Task()) }

// Write is Conn.Write.
func (b *Bound) Write(kind Kind, p []byte) error { return b.conn.Write(b.hub.Task(), kind, p) }

// NextReader is Conn.NextReader.
func (b *Bound) NextReader() (Kind, *Reader, error) { return b.conn.NextReader(b.hub.Task()) }

// NextWriter is Conn.NextWriter.
func (b *Bound) NextWriter(kind Kind) (*Writer, error) { return b.conn.NextWriter(b.hub.Task(), kind) }

// Ping is Conn.Ping.
func (b *Bound) Ping() error { return b.conn.Ping(b.hub.Task()) }

// Close is Conn.Close.
func (b *Bound) Close(code Code, reason string) error {
	return b.conn.Close(b.hub.Task(), code, reason)
}
