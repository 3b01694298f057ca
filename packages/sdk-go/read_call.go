package kplug

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// readCall converts a request for the functions of the author. Unless it is lenient, it fails for invalid specs.
func readCall[Spec, Status any](r request, api API[Spec, Status], lenient bool, log *slog.Logger) (*Call[Spec, Status], error) {
	base, err := readResource("", r.GetBase())
	if err != nil {
		return nil, Terminal("InvalidSpec", "the resource is malformed: %w", err)
	}
	call := &Call[Spec, Status]{
		Base:        fit[Spec, Status](base, api.Strict),
		Assignment:  readAssignment(r.GetAssignment()),
		Capability:  readCapability(r.GetAssignment().GetCapability()),
		Operation:   readOperation(r.GetOperation()),
		Attempt:     max(1, int(r.GetContext().GetAttempt())),
		TraceParent: r.GetContext().GetTraceparent(),
		TraceState:  r.GetContext().GetTracestate(),
		Log:         log.With("resource", describe(base)),
	}
	if deadline := r.GetContext().GetDeadline(); deadline != nil {
		call.Deadline = deadline.AsTime()
	}
	var failures []error
	if err := call.Base.SpecError(); err != nil {
		failures = append(failures, Terminal("InvalidSpec", "%w", err))
	}
	for _, key := range slices.Sorted(maps.Keys(r.GetExtensions())) {
		extension, err := readResource(key, r.GetExtensions()[key])
		if err == nil {
			call.Extensions.sent = append(call.Extensions.sent, extension)
			err = api.checkExtension(extension)
		}
		if err != nil {
			failures = append(failures, Terminal("InvalidSpec", "%w", err).WithTarget(targetKey(key)))
		}
	}
	if len(failures) > 0 && !lenient {
		return nil, errors.Join(failures...)
	}
	if call.Dependents.all, err = readUntyped(r.GetDependents()); err != nil {
		return nil, err
	}
	call.Required, err = readRequired(r.GetRequired())
	return call, err
}

// checkExtension returns the reason why the spec of an extension is invalid.
func (a API[Spec, Status]) checkExtension(sent *sentResource) error {
	for _, kind := range a.Extensions {
		if sent.is(kind.kindAndGroup()) {
			return kind.check(sent)
		}
	}
	return nil
}

// targetKey is the key of an extension.
type targetKey string

func (k targetKey) target() string { return string(k) }

// describe returns the kind, namespace and name of a resource for logs.
func describe(resource *sentResource) string {
	return resource.Kind + " " + strings.TrimPrefix(resource.Metadata.Namespace+"/"+resource.Metadata.Name, "/")
}

func readUntyped(sent map[string]*kplugv1.Resource) ([]*UntypedResource, error) {
	var found []*UntypedResource
	for _, key := range slices.Sorted(maps.Keys(sent)) {
		resource, err := readResource("", sent[key])
		if err != nil {
			return nil, fmt.Errorf("%s is malformed: %w", key, err)
		}
		found = append(found, fit[Object, Object](resource, false))
	}
	return found, nil
}

func readRequired(sent map[string]*kplugv1.RequiredResources) (Required, error) {
	required := Required{byName: map[string][]*UntypedResource{}}
	for name, resources := range sent {
		required.byName[name] = []*UntypedResource{}
		for _, item := range resources.GetItems() {
			resource, err := readResource("", item)
			if err != nil {
				return Required{}, fmt.Errorf("a resource of the requirement %s is malformed: %w", name, err)
			}
			required.byName[name] = append(required.byName[name], fit[Object, Object](resource, false))
		}
	}
	return required, nil
}

func readAssignment(sent *kplugv1.Assignment) Assignment {
	return Assignment{
		Delegation: sent.GetDelegation(), API: sent.GetApi(), APIVersion: sent.GetApiVersion(), Reason: sent.GetReason(), Message: sent.GetMessage(),
	}
}

func readCapability(sent *kplugv1.AssignedCapability) *Capability {
	if sent == nil {
		return nil
	}
	return &Capability{Category: sent.Category, Type: sent.Type, Version: sent.Version, PreviousVersion: sent.PreviousVersion}
}

func readOperation(sent *kplugv1.Operation) *Operation {
	if sent == nil {
		return nil
	}
	operation := &Operation{
		Message: sent.GetProgress().GetMessage(), Token: sent.GetProgress().GetToken(), Generation: sent.Generation, Cancelled: sent.Cancelled,
	}
	if sent.StartedAt != nil {
		operation.StartedAt = sent.StartedAt.AsTime()
	} else {
		operation.StartedAt = time.Unix(0, 0)
	}
	if progress := sent.GetProgress(); progress != nil && progress.Percentage != nil {
		percentage := int(*progress.Percentage)
		operation.Percentage = &percentage
	}
	return operation
}
