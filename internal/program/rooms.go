package program

import (
	"fmt"
	"slices"
	"strings"

	"github.com/corolla-go/corolla"
)

// This file has what the chat stands on: rooms, which span the shards of a process (owned.go) or the machines of a
// cluster. Everything here belongs to the loop of one shard. Messages and their order are the rooms' business,
// connections the chat's own (hall.go).

// Rooms are the rooms of a chat, as one shard has them.
type Rooms interface {
	// Join makes a member of a room. What is said there from now on is told to the Audience; what was said
	// before is in what Join returns: with after 0 the last History messages, and otherwise those that come
	// after that place. A member that comes back has the same key, and then the same name. The room of t's
	// loop is told of members too.
	Join(t *corolla.Task, room, name, key string, after uint64) (Joined, error)
	// Leave ends a membership, and says why, if there is more to say than that.
	Leave(room, member, why string)
	// Say says something, and calls done when that is decided: with the message's place, if it is kept, and
	// otherwise with why not, and then it may be kept all the same, and only saying it again tells. What a
	// member says a second time with the same id is not said again.
	Say(room, member, id, text string, done func(seq uint64, err error))
	// Close ends the memberships that are left, and tells the others, if that can be done soon.
	Close(t *corolla.Task)
}

// History is how many messages a new member hears.
const History = 100

// Keep is how many messages of a room are kept for members who come back.
const Keep = 1000

// Joined is what a new member is told.
type Joined struct {
	Member string // name and key: see MemberName
	Here   []string
	Missed []*Message
	Gap    bool   // there may be more that it has missed
	Seq    uint64 // the place up to which Missed has everything
}

// Message is what was said. Nobody changes it.
type Message struct {
	Room, Member, ID, Text string
	Seq                    uint64 // its place among all messages
	At                     int64  // Unix time, in milliseconds
}

// Audience is told, on the loop, what happens in rooms. It may be told of rooms in which it has nobody.
type Audience interface {
	Said(m *Message)
	Came(room, member string, count int)
	Left(room, member, why string, count int)
}

// Cluster is what a program with clusters built in can do besides.
type Cluster interface {
	// Serve starts a server in this process, which joins those of other machines, and returns the URL at which
	// this machine's processes find it. It does not wait for the others.
	Serve(t *corolla.Task, cfg ClusterConfig) (url string, stop func(t *corolla.Task), err error)
	// Open returns the rooms of the cluster, when there is a majority that has them. The name tells this loop apart
	// from all others of the cluster. Canceling the future gives up.
	Open(l *corolla.Loop, url, name string, cfg ClusterConfig, to Audience) *corolla.Future[Rooms]
}

// ClusterConfig says what cluster it is.
type ClusterConfig struct {
	Node   string
	Routes string   // where the server listens for those of other machines
	Join   []string // the Routes of all machines
	Store  string   // the folder of what the server keeps
	Secret string   // that machines must know to join; empty is none
}

// keyMark is between a member's name and key. Names and keys do not have it.
const keyMark = "~"

// MemberName returns what others see of a member: without its key, by which it is told apart from others.
func MemberName(member string) string {
	name, _, _ := strings.Cut(member, keyMark)
	return name
}

func memberKey(member string) string {
	_, key, _ := strings.Cut(member, keyMark)
	return key
}

// FreeMember returns the member that somebody is, under another name if that one is taken: "ann (2)". Who has been
// here before keeps the name.
func FreeMember(name, key string, here []string) string {
	free := name
	for i := 2; slices.ContainsFunc(here, func(m string) bool {
		return strings.EqualFold(MemberName(m), free) && memberKey(m) != key
	}); i++ {
		free = fmt.Sprintf("%s (%d)", name, i)
	}
	return free + keyMark + key
}
