package kplug

import (
	"sync"
	"time"
)

// inFlight counts the calls that run. Each call holds a read lock. Locking for writing waits for them, and rejects new ones from then on.
type inFlight struct {
	mutex sync.RWMutex
}

// begin reports whether a call may run.
func (c *inFlight) begin() bool { return c.mutex.TryRLock() }

func (c *inFlight) end() { c.mutex.RUnlock() }

// drain rejects new calls, and reports whether all others ended before a timeout.
func (c *inFlight) drain(timeout time.Duration) bool { return waitFor(c.mutex.Lock, timeout) }

// waitFor reports whether some work finished before a timeout. Unfinished work continues until the process exits.
func waitFor(work func(), timeout time.Duration) bool {
	done := make(chan struct{})
	go func() {
		work()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(timeout):
		return false
	}
}
