package kplug

import (
	"context"
	"log/slog"
	"strings"
	"time"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// ReconcileFunc reconciles one resource. The context is done when the operator no longer waits.
type ReconcileFunc[Spec, Status any] func(ctx context.Context, call *Call[Spec, Status]) (*Result[Status], error)

// FinalizeFunc finalizes one resource. The context is done when the operator no longer waits.
type FinalizeFunc[Spec, Status any] func(ctx context.Context, call *FinalizeCall[Spec, Status]) (*FinalizeResult, error)

// Call is the input of Reconcile: the whole state of one resource.
type Call[Spec, Status any] struct {
	// Base resource.
	Base *Resource[Spec, Status]
	// Extension resources that the base references and that exist. An Extension finds those of its kind.
	Extensions Extensions
	// Dependents in their current state.
	Dependents Dependents
	// Further resources that the plugin required by Result.Require.
	Required Required
	// Delegation and plugin API of the call, and the reason why this plugin was chosen.
	Assignment Assignment
	// Capability that the base asks for; nil if its delegation has none.
	Capability *Capability
	// Operation that this plugin reported as in progress, also from another instance; nil if there is none.
	Operation *Operation
	// Number of the attempt: 1, plus the failed attempts in a row before it.
	Attempt int
	// Deadline of the call; the zero time if the controller sent none.
	Deadline time.Time
	// W3C trace context of the operator's call; empty without tracing. The context of the function has the span of the call.
	TraceParent, TraceState string
	// Logger with the name of the resource.
	Log *slog.Logger
}

// FinalizeCall is the input of Finalize.
type FinalizeCall[Spec, Status any] struct {
	Call[Spec, Status]
	// HandedOver is true if the base was assigned to another plugin, and false if it is being deleted.
	HandedOver bool
}

// Assignment is the delegation and API for which a plugin is called, and the reason why it was chosen.
type Assignment struct {
	Delegation string
	API        string
	APIVersion string
	// Reason in one PascalCase word, such as Preferred.
	Reason  string
	Message string
}

// Capability is the capability that a base asks for, in the version that the controller chose.
type Capability struct {
	Category, Type, Version string
	// PreviousVersion is that of the last successful call, or empty. It differs from Version during an upgrade.
	PreviousVersion string
}

// Operation is an operation in progress, as the plugin reported it last.
type Operation struct {
	// Percentage that is done; nil if it isn't known.
	Percentage *int
	Message    string
	// Token that identifies the operation. Whoever may write the status can change it, so check that it belongs to the base.
	Token string
	// Generation of the base when the token was reported first.
	Generation int64
	StartedAt  time.Time
	// Cancelled is true if what the operation does is no longer wanted.
	Cancelled bool
}

// Dependents are the dependents of the base in their current state.
type Dependents struct {
	all []*UntypedResource
}

// Find returns a dependent, or nil if it does not exist, such as before the plugin first returned it. UntypedResource.Decode decodes it
// into a type.
func (d Dependents) Find(kind, name string) *UntypedResource {
	for _, dependent := range d.all {
		if dependent.Kind == kind && dependent.Metadata.Name == name {
			return dependent
		}
	}
	return nil
}

// All returns all dependents, ordered by their keys.
func (d Dependents) All() []*UntypedResource { return d.all }

// Required are further resources that the plugin required.
type Required struct {
	byName map[string][]*UntypedResource
}

// Has reports whether the call brings a requirement. If not, the plugin has yet to state it; if so and nothing was found, it is missing.
func (r Required) Has(name string) bool {
	_, found := r.byName[name]
	return found
}

// First returns the first resource of a requirement, in the order of namespaces and names, or nil if none was found.
func (r Required) First(name string) *UntypedResource {
	for _, resource := range r.byName[name] {
		return resource
	}
	return nil
}

// All returns the resources of a requirement.
func (r Required) All(name string) []*UntypedResource { return r.byName[name] }

// request is a ReconcileRequest or a FinalizeRequest.
type request interface {
	GetBase() *kplugv1.Resource
	GetExtensions() map[string]*kplugv1.Resource
	GetDependents() map[string]*kplugv1.Resource
	GetRequired() map[string]*kplugv1.RequiredResources
	GetAssignment() *kplugv1.Assignment
	GetContext() *kplugv1.CallContext
	GetOperation() *kplugv1.Operation
}

// is reports whether a resource is of a kind, which is Kind or Kind.group.
func (s *sentResource) is(kindAndGroup string) bool {
	kind, group, hasGroup := strings.Cut(kindAndGroup, ".")
	actual, _, _ := strings.Cut(s.APIVersion, "/")
	return s.Kind == kind && (!hasGroup || actual == group)
}
