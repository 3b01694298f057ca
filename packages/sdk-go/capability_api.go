package kplug

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// CapabilityAPI implements a plugin API that provides the types of one category of capabilities, such as databases, by dependents. The
// operator applies the dependents, follows them, and calls again when one becomes ready, changes or vanishes.
type CapabilityAPI[Spec, Status any] struct {
	// Name and version of the API, as in API.
	Name, Version string
	// Category, such as database.
	Category string
	// Types are the versions of each type, such as postgresql: 16, 17.
	Types map[string][]string
	// Dependents returns the resources that make up the capability, in the order in which they become ready. Called again with every change
	// of the owner or of the observed dependents, so the same input must give the same manifests, except those with the policy CreateOnly.
	Dependents func(ctx context.Context, owner *CapabilityOwner[Spec, Status]) ([]Dependent, error)
	// Status returns the status, such as connection parameters, given the dependents as they are; nil for no change. Default: no status.
	Status func(ctx context.Context, owner *CapabilityOwner[Spec, Status]) (*Status, error)
	// Finalize deletes what is not a dependent. Default: nothing.
	Finalize FinalizeFunc[Spec, Status]
	// Strict refuses resources whose spec has fields that Spec does not have, as in API.
	Strict bool
}

// CapabilityOwner is a resource that asks for a capability, with the type and the version that it gets.
type CapabilityOwner[Spec, Status any] struct {
	*Call[Spec, Status]
	// Type and version that the operator chose, of those that the plugin provides.
	Type, Version string
	// PreviousVersion is that of the last successful call, or empty. It differs from Version during an upgrade.
	PreviousVersion string
}

// NameOf returns a name for a dependent, made of the name of the owner and a suffix, as NameFrom does.
func (o *CapabilityOwner[Spec, Status]) NameOf(suffix string) string {
	return NameFrom(o.Base.Metadata.Name, suffix)
}

func (c CapabilityAPI[Spec, Status]) implement() (*implementation, error) {
	if len(c.Types) == 0 {
		return nil, fmt.Errorf("the category %s has no types; write at least one, such as postgresql", c.Category)
	}
	if c.Dependents == nil {
		return nil, errors.New("the capability has no Dependents; add a function")
	}
	api := API[Spec, Status]{Name: c.Name, Version: c.Version, Reconcile: c.reconcile, Finalize: c.Finalize, Strict: c.Strict}
	for _, name := range slices.Sorted(maps.Keys(c.Types)) {
		api.Provides = append(api.Provides, ProvidedCapability{Category: c.Category, Type: name, Versions: c.Types[name]})
	}
	return api.implement()
}

func (c CapabilityAPI[Spec, Status]) reconcile(ctx context.Context, call *Call[Spec, Status]) (*Result[Status], error) {
	if call.Capability == nil {
		return nil, Terminal("NoCapability", "the delegation %s has no capabilities; add \"capability: {}\" to it", call.Assignment.Delegation)
	}
	owner := &CapabilityOwner[Spec, Status]{
		Call: call, Type: call.Capability.Type, Version: call.Capability.Version, PreviousVersion: call.Capability.PreviousVersion,
	}
	dependents, err := c.Dependents(ctx, owner)
	if err != nil {
		return nil, err
	}
	if dependents == nil {
		dependents = []Dependent{}
	}
	result := &Result[Status]{Dependents: dependents}
	if c.Status != nil {
		result.Status, err = c.Status(ctx, owner)
	}
	return result, err
}
