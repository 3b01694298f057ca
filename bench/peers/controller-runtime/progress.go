package main

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Progress counts the passes of a controller.
type Progress struct {
	mutex  sync.Mutex
	passes int
	done   map[types.NamespacedName]struct{}
	count  int
	allOf  chan struct{}
}

// AllOf returns a channel that is closed when a number of resources have had a pass.
func (p *Progress) AllOf(count int) <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.count = count
	p.done = map[types.NamespacedName]struct{}{}
	p.allOf = make(chan struct{})
	return p.allOf
}

func (p *Progress) finished(name types.NamespacedName) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.passes++
	if _, known := p.done[name]; known || p.allOf == nil {
		return
	}
	p.done[name] = struct{}{}
	if len(p.done) == p.count {
		close(p.allOf)
	}
}

// Passes returns the number of finished passes.
func (p *Progress) Passes() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.passes
}
