// Package httpwork says what HTTP servers are asked, what they have to answer, and reads their
// answers.
package httpwork

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The paths that the servers have.
const (
	Hello     = "/hello"     // a few bytes of plain text
	JSON      = "/json"      // Record, marshalled for each request
	File      = "/file"      // the file FileName
	Echo      = "/echo"      // WebSocket: each message is sent back
	Broadcast = "/broadcast" // WebSocket: each message is sent to all who are connected
)

// Greeting is the answer to Hello.
const Greeting = "hello"

// The files of a server's folder.
const (
	FileName   = "file"
	RecordName = "record.json" // Record, for servers in other languages
)

const (
	fileSize   = 64 << 10
	recordSize = 1 << 10 // of the JSON
)

// Customer is what JSON answers are made from.
type Customer struct {
	ID      int      `json:"id"`
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Active  bool     `json:"active"`
	Balance float64  `json:"balance"`
	Tags    []string `json:"tags"`
	Orders  []Order  `json:"orders"`
	Note    string   `json:"note"`
}

// Order is a part of a Customer.
type Order struct {
	ID       int    `json:"id"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
	Cents    int    `json:"cents"`
}

// Record is the one Customer that is asked for. Its JSON has exactly 1 KiB.
var Record = makeRecord()

func makeRecord() Customer {
	c := Customer{
		ID: 20417, Name: "Ada Lovelace", Email: "ada@example.org", Active: true, Balance: 1024.5,
		Tags: []string{"early", "analytical", "engine"},
	}
	for i := range 10 {
		c.Orders = append(c.Orders, Order{
			ID: 1000 + i, Item: fmt.Sprintf("punched cards, box %d", i), Quantity: i + 1, Cents: 1995 + 100*i,
		})
	}
	c.Note = strings.Repeat("n", recordSize-len(encode(c)))
	return c
}

func encode(c Customer) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // it has nothing that JSON could not express
	}
	return b
}

func fileBody() []byte {
	b := make([]byte, fileSize)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

// Body returns what a server has to answer for a path without WebSocket.
func Body(path string) ([]byte, error) {
	switch path {
	case Hello:
		return []byte(Greeting), nil
	case JSON:
		return encode(Record), nil
	case File:
		return fileBody(), nil
	}
	return nil, fmt.Errorf("nothing is known of %s", path)
}

// WriteFiles writes what the servers need into a folder.
func WriteFiles(dir string) error {
	for name, text := range map[string][]byte{FileName: fileBody(), RecordName: encode(Record)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("write what is served: %w", err)
		}
	}
	return nil
}

// Request returns a request for a path, on a connection that is kept.
func Request(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

// Await returns once a server accepts connections. Some print their address before they do.
func Await(addr string) error {
	const pause, times = 20 * time.Millisecond, 500
	var c net.Conn
	var err error
	for range times {
		if c, err = net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("wait for the server: %w", err)
}
