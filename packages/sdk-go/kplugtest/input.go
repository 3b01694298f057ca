package kplugtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kplug.dev/sdk-go"
	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Input is the input of a call. All fields are optional.
type Input struct {
	// Base resource. Default kind: the name of the API. Default name: default/test.
	Base Resource
	// Extensions that the base references and that exist. Each needs a Kind; a name is by default that of the base.
	Extensions []Resource
	// Dependents as they are on the cluster.
	Dependents []Resource
	// Required resources that were found, by the name of the requirement. An empty list says that none exists; a name that is missing says that
	// the plugin has not stated the requirement yet.
	Required map[string][]Resource
	// Capability that the base asks for. Its category is by default that of the API.
	Capability *kplug.Capability
	// Operation that the plugin reported as in progress.
	Operation *kplug.Operation
	// Assignment of the call. Default: Preferred by the delegation test.
	Assignment kplug.Assignment
	// Number of the attempt. Default: 1.
	Attempt int
	// HandedOver says that Finalize is called because the base went to another plugin. Default: the base is being deleted.
	HandedOver bool
}

// Resource is a resource of a call. All fields are optional.
type Resource struct {
	// Default: example.org/v1.
	APIVersion string
	Kind       string
	// Metadata. Default: the generation 1, and a UID that follows from kind, namespace and name. The namespace - is that of a cluster-scoped kind.
	Metadata kplug.Metadata
	// Spec and status: a type of the plugin, a kplug.Object, or any other value that encodes as JSON. Default: none.
	Spec, Status any
	// Further fields, such as data.
	Fields kplug.Object
}

const clusterScoped = "-"

// request converts an input.
func (t *Tester) request(input Input) *kplugv1.ReconcileRequest {
	t.t.Helper()
	base := input.Base
	base.Kind = cmp.Or(base.Kind, t.api.Name)
	base.Metadata.Name = cmp.Or(base.Metadata.Name, "test")
	base = complete(base, "")
	request := &kplugv1.ReconcileRequest{
		Base:       t.encode(base),
		Extensions: map[string]*kplugv1.Resource{},
		Dependents: map[string]*kplugv1.Resource{},
		Required:   map[string]*kplugv1.RequiredResources{},
		Assignment: t.assignment(input),
		Context:    &kplugv1.CallContext{Attempt: uint32(max(1, input.Attempt)), SupportsRequirements: true},
		Operation:  operationOf(input.Operation, base.Metadata.Generation),
	}
	t.addResources(request.Extensions, "an extension", input.Extensions, base)
	t.addResources(request.Dependents, "a dependent", input.Dependents, base)
	for name, resources := range input.Required {
		found := &kplugv1.RequiredResources{}
		for _, resource := range resources {
			found.Items = append(found.Items, t.encode(t.named("a required resource", resource, base)))
		}
		request.Required[name] = found
	}
	return request
}

func (t *Tester) addResources(into map[string]*kplugv1.Resource, role string, resources []Resource, base Resource) {
	t.t.Helper()
	for _, resource := range resources {
		resource = t.named(role, resource, base)
		key := keyOf(resource)
		if into[key] != nil {
			t.t.Fatalf("an input has %s twice: %s", role, key)
		}
		into[key] = t.encode(resource)
	}
}

// named completes a resource that belongs to a base.
func (t *Tester) named(role string, resource, base Resource) Resource {
	t.t.Helper()
	if resource.Kind == "" {
		t.t.Fatalf("an input has %s without a Kind", role)
	}
	resource.Metadata.Name = cmp.Or(resource.Metadata.Name, base.Metadata.Name)
	return complete(resource, base.Metadata.Namespace)
}

func complete(resource Resource, namespace string) Resource {
	metadata := &resource.Metadata
	resource.APIVersion = cmp.Or(resource.APIVersion, "example.org/v1")
	metadata.Namespace = cmp.Or(metadata.Namespace, namespace, "default")
	if metadata.Namespace == clusterScoped {
		metadata.Namespace = ""
	}
	metadata.Generation = cmp.Or(metadata.Generation, 1)
	metadata.UID = cmp.Or(metadata.UID, strings.ToLower(fmt.Sprintf("%s-%s-%s", resource.Kind, metadata.Namespace, metadata.Name)))
	return resource
}

// keyOf returns the key of a resource in a request.
func keyOf(resource Resource) string {
	group, version, isNamed := strings.Cut(resource.APIVersion, "/")
	if !isNamed {
		group, version = "", resource.APIVersion
	}
	return strings.Join([]string{group, version, resource.Kind, resource.Metadata.Namespace, resource.Metadata.Name}, "/")
}

func (t *Tester) encode(resource Resource) *kplugv1.Resource {
	t.t.Helper()
	fields := maps.Clone(resource.Fields)
	if fields == nil {
		fields = kplug.Object{}
	}
	fields["apiVersion"], fields["kind"], fields["metadata"] = resource.APIVersion, resource.Kind, resource.Metadata
	if resource.Spec != nil {
		fields["spec"] = resource.Spec
	}
	if resource.Status != nil {
		fields["status"] = resource.Status
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		t.t.Fatalf("%s %s of the input can't be encoded: %v", resource.Kind, resource.Metadata.Name, err)
	}
	return &kplugv1.Resource{Json: encoded}
}

func (t *Tester) assignment(input Input) *kplugv1.Assignment {
	given := input.Assignment
	assignment := &kplugv1.Assignment{
		Delegation: cmp.Or(given.Delegation, "test"),
		Api:        cmp.Or(given.API, t.api.Name),
		ApiVersion: cmp.Or(given.APIVersion, t.api.Version),
		Reason:     cmp.Or(given.Reason, "Preferred"),
		Message:    given.Message,
	}
	if asked := input.Capability; asked != nil {
		category := asked.Category
		if category == "" && len(t.api.Provides) > 0 {
			category = t.api.Provides[0].Category
		}
		assignment.Capability = &kplugv1.AssignedCapability{
			Category: category, Type: asked.Type, Version: asked.Version, PreviousVersion: asked.PreviousVersion,
		}
	}
	return assignment
}

func operationOf(given *kplug.Operation, generation int64) *kplugv1.Operation {
	if given == nil {
		return nil
	}
	progress := &kplugv1.Progress{Message: given.Message, Token: given.Token}
	if given.Percentage != nil {
		progress.Percentage = new(uint32(*given.Percentage))
	}
	started := timestamppb.Now()
	if !given.StartedAt.IsZero() {
		started = timestamppb.New(given.StartedAt)
	}
	return &kplugv1.Operation{
		Progress: progress, Generation: cmp.Or(given.Generation, generation), StartedAt: started, Cancelled: given.Cancelled,
	}
}
