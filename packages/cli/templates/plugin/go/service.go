package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"runtime"

	"google.golang.org/grpc"

	kplugv1 "__MODULE__/gen/kplug/v1"
)

// service implements kplug.v1.PluginService.
type service struct {
	kplugv1.UnimplementedPluginServiceServer
	registration *kplugv1.Registration
}

// resource has the fields of a resource that the plugin uses.
type resource struct {
	Spec struct {
		Network string
		Subnets []wanted
	}
	Status json.RawMessage
}

// GetInfo identifies the plugin.
func (s *service) GetInfo(context.Context, *kplugv1.GetInfoRequest) (*kplugv1.GetInfoResponse, error) {
	return &kplugv1.GetInfoResponse{
		Plugin:          s.registration.Plugin,
		Version:         s.registration.Version,
		Apis:            s.registration.Apis,
		InstanceId:      s.registration.InstanceId,
		Runtime:         fmt.Sprintf("grpc-go/%s %s", grpc.Version, runtime.Version()),
		SerializesCalls: true,
	}, nil
}

// Reconcile writes the network of each subnet into the status.
func (s *service) Reconcile(_ context.Context, request *kplugv1.ReconcileRequest) (*kplugv1.ReconcileResponse, error) {
	status, err := reconcile(request.Base)
	if err != nil {
		outcome, messages := explain(err)
		return &kplugv1.ReconcileResponse{Outcome: outcome, Messages: messages}, nil
	}
	return &kplugv1.ReconcileResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS, BaseStatus: status}, nil
}

// Finalize has nothing to delete, as Reconcile creates nothing outside of the status.
func (s *service) Finalize(context.Context, *kplugv1.FinalizeRequest) (*kplugv1.FinalizeResponse, error) {
	return &kplugv1.FinalizeResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS}, nil
}

func reconcile(base *kplugv1.Resource) ([]byte, error) {
	var given resource
	if err := json.Unmarshal(base.GetJson(), &given); err != nil {
		return nil, invalid("", "the resource is malformed: %s", err)
	}
	network, err := check(given)
	if err != nil {
		return nil, err
	}
	found, err := plan(network, given.Spec.Subnets, placesIn(given.Status))
	var tooSmall doesNotFit
	if errors.As(err, &tooSmall) {
		// A retry can't succeed until the resource is edited. Any other error is retried.
		return nil, terminal("DoesNotFit", "%s", tooSmall.text)
	}
	if err != nil {
		return nil, err
	}
	subnets := make([]map[string]string, 0, len(found))
	for _, one := range found {
		subnets = append(subnets, map[string]string{
			"name":      one.Name,
			"network":   one.Network.String(),
			"firstHost": one.Network.Addr().Next().String(),
			"lastHost":  address(end(one.Network) - 2).String(),
		})
	}
	return json.Marshal(map[string]any{"subnets": subnets})
}

// check validates the spec and returns its network. The user reads the error in the status.
func check(given resource) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(given.Spec.Network)
	if err != nil || !network.Addr().Is4() {
		return network, invalid("", ".spec.network: %q is invalid; write a network such as 10.20.0.0/22", given.Spec.Network)
	}
	if count := len(given.Spec.Subnets); count < 1 || count > 256 {
		return network, invalid("", ".spec.subnets: must have 1 to 256 items, but has %d", count)
	}
	seen := map[string]bool{}
	for index, subnet := range given.Spec.Subnets {
		switch {
		case len(subnet.Name) < 1 || len(subnet.Name) > 63:
			return network, invalid("", ".spec.subnets[%d].name: must be 1 to 63 bytes long", index)
		case subnet.Hosts < 1 || subnet.Hosts > 1<<24:
			return network, invalid("", ".spec.subnets[%d].hosts: must be 1 to %d", index, 1<<24)
		case seen[subnet.Name]:
			return network, invalid("", ".spec.subnets[%d].name: duplicate subnet %s", index, subnet.Name)
		}
		seen[subnet.Name] = true
	}
	return network, nil
}

// placesIn reads the previous places from a status. A status that another plugin wrote is ignored.
func placesIn(status json.RawMessage) []place {
	var before struct{ Subnets []place }
	if err := json.Unmarshal(status, &before); err != nil {
		return nil
	}
	for _, one := range before.Subnets {
		if !one.Network.Addr().Is4() {
			return nil
		}
	}
	return before.Subnets
}
