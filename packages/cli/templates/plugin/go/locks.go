package main

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// earlierCallTimeout is the longest time that a call waits for an earlier call for the same resource that still runs.
const earlierCallTimeout = 10 * time.Second

// resourceLocks runs the calls for one resource one after another. The connection of a call may break, or its deadline pass, while it still
// runs; the controller then makes another call, which waits here for the end of the earlier one.
type resourceLocks struct {
	mutex sync.Mutex
	locks map[string]*resourceLock
}

type resourceLock struct {
	// Full while a call runs. Waiting calls get it in their order.
	running chan struct{}
	// Number of calls that run or wait.
	calls int
}

// lock waits for the earlier calls for a resource, and returns a function to call at the end. Without a uid it does not wait.
func (l *resourceLocks) lock(ctx context.Context, uid string) (unlock func(), err error) {
	if uid == "" {
		return func() {}, nil
	}
	lock := l.join(uid)
	timeout := time.NewTimer(earlierCallTimeout)
	defer timeout.Stop()
	select {
	case lock.running <- struct{}{}:
		return func() {
			<-lock.running
			l.leave(uid, lock)
		}, nil
	case <-ctx.Done():
		err = status.FromContextError(ctx.Err()).Err()
	case <-timeout.C:
		err = status.Errorf(codes.Aborted, "an earlier call for this resource is still running after %s", earlierCallTimeout)
	}
	l.leave(uid, lock)
	return nil, err
}

// uidOf returns the uid of the base resource in a request; empty if there is none.
func uidOf(request any) string {
	call, ok := request.(interface{ GetBase() *kplugv1.Resource })
	if !ok {
		return ""
	}
	var base struct {
		Metadata struct{ UID string }
	}
	// The call itself answers a malformed resource.
	if err := json.Unmarshal(call.GetBase().GetJson(), &base); err != nil {
		return ""
	}
	return base.Metadata.UID
}

func (l *resourceLocks) join(uid string) *resourceLock {
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

func (l *resourceLocks) leave(uid string, lock *resourceLock) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if lock.calls--; lock.calls == 0 {
		delete(l.locks, uid)
	}
}
