package corolla

// SpareCells returns how many cells a queue keeps for those who wait next.
func SpareCells[T any](q *Queue[T]) int { return len(q.spare) }

// LoopsInUse returns how many loops run, or are being closed.
func LoopsInUse() int { return len(inUse.get()) }

// ProxyLacks and ParseProxyHead are the two steps of reading a head of the PROXY protocol.
var (
	ProxyLacks     = proxyLacks
	ParseProxyHead = parseProxyHead
)

// MainGrace is how long tasks have to end after that of Main.
var MainGrace = &mainGrace
