package locks

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestLocksRunCallsOneAfterAnother(t *testing.T) {
	var locks Locks
	unlock, err := locks.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := locks.Lock(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := locks.Lock(cancelled, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("two calls ran for one resource: %v", err)
	}
	next := make(chan func())
	go func() {
		unlock, _ := locks.Lock(context.Background(), "a")
		next <- unlock
	}()
	unlock()
	(<-next)()
	if len(locks.locks) != 0 {
		t.Errorf("%d locks are left", len(locks.locks))
	}
}

func TestLocksGiveUpAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locks Locks
		unlock, err := locks.Lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		if _, err := locks.Lock(t.Context(), "a"); !errors.Is(err, ErrEarlierCall) {
			t.Errorf("got %v", err)
		}
	})
}
