package kplug

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

const (
	// maxNameLength is the maximum length of the name of a Service, a StatefulSet and a value of a label.
	maxNameLength = 63
	// nameHashLength is the length of the hash in a name that NameFrom shortens.
	nameHashLength = 8
)

// Dependent is a resource that the operator applies for the base, with rules that say when and how. A dependent without rules depends on the
// one before it if no dependent has DependsOn.
type Dependent struct {
	// Manifest of the resource: an Object, or any value that encodes as one, such as a type of k8s.io/api. Its metadata has only the name,
	// labels and annotations.
	Manifest any
	// Dependents that must be ready before this one is applied, as Kind/name, or Kind.group/name where that is ambiguous.
	DependsOn []string
	// CEL expression that is true if the dependent is ready, over self, the dependent, and base. Default: the conventions of Kubernetes.
	ReadyWhen string
	// Time that the dependent has to become ready, after which the status of the base reports a failure. Default: that of the delegation.
	ReadyTimeout time.Duration
	// CEL expression that is true if the dependent is wanted. While it is false, the dependent is deleted. Default: wanted.
	IncludeWhen string
	// Handling of a dependent that exists. Default: Apply.
	Policy DependentPolicy
	// Retain releases the dependent instead of deleting it.
	Retain bool
}

// DependentPolicy is the handling of a dependent that exists.
type DependentPolicy string

const (
	// Apply changes the dependent to its manifest.
	Apply DependentPolicy = "Apply"
	// CreateOnly leaves the dependent as it is, such as a Secret with a generated password.
	CreateOnly DependentPolicy = "CreateOnly"
	// Recreate deletes the dependent and creates it again if a field that changes is immutable.
	Recreate DependentPolicy = "Recreate"
	// Observe is for a resource of another client: it is sent with each call and has to become ready, and is never written.
	Observe DependentPolicy = "Observe"
)

var policies = map[DependentPolicy]kplugv1.DependentPolicy{
	"":         kplugv1.DependentPolicy_DEPENDENT_POLICY_APPLY,
	Apply:      kplugv1.DependentPolicy_DEPENDENT_POLICY_APPLY,
	CreateOnly: kplugv1.DependentPolicy_DEPENDENT_POLICY_CREATE_ONLY,
	Recreate:   kplugv1.DependentPolicy_DEPENDENT_POLICY_RECREATE,
	Observe:    kplugv1.DependentPolicy_DEPENDENT_POLICY_OBSERVE,
}

// NameFrom returns a name for a dependent, made of the name of its base and a suffix: users-db. One that is longer than 63 characters is
// shortened and ends with a hash, so that it stays unique and the same.
func NameFrom(base, suffix string) string {
	name := base + "-" + suffix
	if len(name) <= maxNameLength {
		return name
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:nameHashLength]
	// A name must not have a dot or a dash before another one.
	return strings.TrimRight(name[:maxNameLength-nameHashLength-1], "-.") + "-" + hash
}

// encodeDependents encodes dependents; nil for no change.
func encodeDependents(dependents []Dependent) (*kplugv1.Dependents, error) {
	if dependents == nil {
		return nil, nil
	}
	encoded := &kplugv1.Dependents{}
	for index, dependent := range dependents {
		item, name, err := encodeManifest(dependent.Manifest)
		if err != nil {
			return nil, fmt.Errorf("the dependent %d can't be encoded: %w", index+1, err)
		}
		encoded.Items = append(encoded.Items, item)
		if !dependent.hasRules() {
			continue
		}
		rules, err := dependent.encodeRules()
		if err != nil {
			return nil, fmt.Errorf("the dependent %s: %w", name, err)
		}
		if encoded.Rules == nil {
			encoded.Rules = map[string]*kplugv1.DependentRules{}
		}
		encoded.Rules[name] = rules
	}
	return encoded, nil
}

func (d Dependent) hasRules() bool {
	return len(d.DependsOn) > 0 || d.ReadyWhen != "" || d.ReadyTimeout != 0 || d.IncludeWhen != "" || d.Policy != "" || d.Retain
}

func (d Dependent) encodeRules() (*kplugv1.DependentRules, error) {
	policy, known := policies[d.Policy]
	if !known {
		return nil, fmt.Errorf("the policy is %q; use Apply, CreateOnly, Recreate or Observe", d.Policy)
	}
	rules := &kplugv1.DependentRules{
		DependsOn: d.DependsOn, ReadyWhen: d.ReadyWhen, IncludeWhen: d.IncludeWhen, Policy: policy, Retain: d.Retain,
	}
	if d.ReadyTimeout != 0 {
		rules.ReadyTimeout = durationpb.New(d.ReadyTimeout)
	}
	return rules, nil
}

// encodeManifest encodes a manifest, and returns its name, Kind/name or Kind.group/name, which is unique in an answer.
func encodeManifest(manifest any) (item []byte, name string, err error) {
	fields, isObject := manifest.(Object)
	if !isObject {
		if item, err = json.Marshal(manifest); err != nil {
			return nil, "", err
		}
		if err := decode(item, &fields, false); err != nil {
			return nil, "", err
		}
		// The types of k8s.io/api encode these although they are empty.
		delete(fields, "status")
		if metadata, ok := fields["metadata"].(Object); ok && metadata["creationTimestamp"] == nil {
			delete(metadata, "creationTimestamp")
		}
	}
	if item, err = json.Marshal(fields); err != nil {
		return nil, "", err
	}
	var identity envelope
	if err := decode(item, &identity, false); err != nil {
		return nil, "", err
	}
	if identity.APIVersion == "" || identity.Kind == "" || identity.Metadata.Name == "" {
		return nil, "", errors.New("a manifest has apiVersion, kind and metadata.name")
	}
	name = identity.Kind
	if group, _, hasGroup := strings.Cut(identity.APIVersion, "/"); hasGroup {
		name += "." + group
	}
	return item, name + "/" + identity.Metadata.Name, nil
}
