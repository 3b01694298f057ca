package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"kplug.dev/sdk-go"
)

// spec is the spec of a resource: a network, and the subnets that it is divided among.
type spec struct {
	Network string   `json:"network"`
	Subnets []wanted `json:"subnets"`
}

// status is the status of a resource.
type status struct {
	Subnets []subnet `json:"subnets"`
}

// subnet is the place of a subnet, with the addresses that its hosts can have.
type subnet struct {
	place
	FirstHost string `json:"firstHost"`
	LastHost  string `json:"lastHost"`
}

// Validate is called before reconcile. The user reads the error in the status of the resource.
func (s spec) Validate() error {
	if network, err := netip.ParsePrefix(s.Network); err != nil || !network.Addr().Is4() {
		return fmt.Errorf(".spec.network: %q is invalid; write a network such as 10.20.0.0/22", s.Network)
	}
	if count := len(s.Subnets); count < 1 || count > 256 {
		return fmt.Errorf(".spec.subnets: must have 1 to 256 items, but has %d", count)
	}
	seen := map[string]bool{}
	for index, subnet := range s.Subnets {
		switch {
		case len(subnet.Name) < 1 || len(subnet.Name) > 63:
			return fmt.Errorf(".spec.subnets[%d].name: must be 1 to 63 bytes long", index)
		case subnet.Hosts < 1 || subnet.Hosts > 1<<24:
			return fmt.Errorf(".spec.subnets[%d].hosts: must be 1 to %d", index, 1<<24)
		case seen[subnet.Name]:
			return fmt.Errorf(".spec.subnets[%d].name: duplicate subnet %s", index, subnet.Name)
		}
		seen[subnet.Name] = true
	}
	return nil
}

// reconcile writes the network of each subnet into the status. There is no finalize, as it creates nothing outside of the status.
func reconcile(_ context.Context, call *kplug.Call[spec, status]) (*kplug.Result[status], error) {
	network, err := netip.ParsePrefix(call.Base.Spec.Network)
	if err != nil {
		return nil, err
	}
	found, err := plan(network, call.Base.Spec.Subnets, call.Base.Status.places())
	var tooSmall doesNotFit
	if errors.As(err, &tooSmall) {
		// A retry can't succeed until the resource is edited. Any other error is retried.
		return nil, kplug.Terminal("DoesNotFit", "%w", tooSmall)
	}
	if err != nil {
		return nil, err
	}
	subnets := make([]subnet, 0, len(found))
	for _, one := range found {
		first, last := one.Network.Addr().Next(), address(end(one.Network)-2)
		subnets = append(subnets, subnet{place: one, FirstHost: first.String(), LastHost: last.String()})
	}
	return &kplug.Result[status]{Status: &status{Subnets: subnets}}, nil
}

// places returns the places of the previous status, without those that another plugin wrote.
func (s status) places() []place {
	var places []place
	for _, one := range s.Subnets {
		if one.Network.Addr().Is4() {
			places = append(places, one.place)
		}
	}
	return places
}
