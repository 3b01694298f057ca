// Package locks runs the calls for one resource one after another.
package locks

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Timeout is the longest time that a call waits for an earlier call for the same resource that still runs.
const Timeout = 10 * time.Second

// Locks runs the calls for one resource one after another. The connection of a call may break, or its deadline pass, while it still
// runs; the controller then makes another call, which waits here for the end of the earlier one.
type Locks struct {
	mutex sync.Mutex
	locks map[string]*resourceLock
}

type resourceLock struct {
	// Full while a call runs. Waiting calls get it in their order.
	running chan struct{}
	// Number of calls that run or wait.
	calls int
}

// ErrEarlierCall is the error of a call that waited too long for an earlier one.
var ErrEarlierCall = errors.New("an earlier call for this resource is still running after " + Timeout.String())

// Lock waits for the earlier calls for a resource, and returns a function to call at the end. Without a uid it does not wait. It returns
// ErrEarlierCall, or the error of the context.
func (l *Locks) Lock(ctx context.Context, uid string) (unlock func(), err error) {
	if uid == "" {
		return func() {}, nil
	}
	lock := l.join(uid)
	timeout := time.NewTimer(Timeout)
	defer timeout.Stop()
	select {
	case lock.running <- struct{}{}:
		return func() {
			<-lock.running
			l.leave(uid, lock)
		}, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timeout.C:
		err = ErrEarlierCall
	}
	l.leave(uid, lock)
	return nil, err
}

func (l *Locks) join(uid string) *resourceLock {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	lock, found := l.locks[uid]
	if !found {
		if l.locks == nil {
			l.locks = map[string]*resourceLock{}
		}
		lock = &resourceLock{running: make(chan struct{}, 1)}
		l.locks[uid] = lock
	}
	lock.calls++
	return lock
}

func (l *Locks) leave(uid string, lock *resourceLock) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if lock.calls--; lock.calls == 0 {
		delete(l.locks, uid)
	}
}
