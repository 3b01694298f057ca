package kplug

import (
	"context"

	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// Health says which APIs of a plugin can be served, for example while a backend is unreachable. An API that can't be served gets no calls.
type Health struct {
	server *health.Server
}

// NewHealth returns the health of a plugin whose APIs can all be served.
func NewHealth() *Health { return &Health{health.NewServer()} }

// addAPI reports an API as serving, unless its author has said before whether it is.
func (h *Health) addAPI(api string) {
	if _, err := h.server.Check(context.Background(), &healthv1.HealthCheckRequest{Service: api}); err != nil {
		h.SetServing(api, true)
	}
}

// SetServing says whether an API can be served. It may be called at any time, from any goroutine.
func (h *Health) SetServing(api string, serving bool) {
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthv1.HealthCheckResponse_SERVING
	}
	h.server.SetServingStatus(api, status)
}
