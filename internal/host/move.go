package host

// Movers are a Host's way to hand descriptors to other Hosts of the same machine, as loops do that
// share the machine's work.
type Movers interface {
	// Give takes a descriptor that is not watched from this Host, so that another can Take it.
	Give(fd FD) (Parcel, error)

	// Take makes the descriptor of a parcel one of this Host's. It is not watched yet.
	Take(p Parcel) (FD, error)
}

// Parcel is a descriptor on its way between two Hosts. Until it is taken, or dropped, any goroutine may
// hold it, one at a time.
type Parcel interface {
	// Drop closes a descriptor that nobody will take.
	Drop() error
}
