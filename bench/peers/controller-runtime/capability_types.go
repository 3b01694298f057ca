package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Capability asks for a database.
type Capability struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CapabilitySpec   `json:"spec"`
	Status            CapabilityStatus `json:"status,omitempty,omitzero"`
}

// CapabilitySpec is the spec of a capability.
type CapabilitySpec struct {
	Category string `json:"category"`
	Type     string `json:"type"`
	Version  string `json:"version"`
}

// CapabilityStatus has the fields of the status that Kplug writes.
type CapabilityStatus struct {
	Host               string             `json:"host,omitempty"`
	Port               int64              `json:"port,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	DependentsReady    string             `json:"dependentsReady,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// CapabilityList is a list of capabilities.
type CapabilityList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Capability `json:"items"`
}

// DeepCopyObject copies a capability.
func (in *Capability) DeepCopyObject() runtime.Object { return in.DeepCopy() }

// DeepCopy copies a capability.
func (in *Capability) DeepCopy() *Capability {
	out := &Capability{TypeMeta: in.TypeMeta, Spec: in.Spec, Status: in.Status}
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	return out
}

// DeepCopyObject copies a list.
func (in *CapabilityList) DeepCopyObject() runtime.Object {
	out := &CapabilityList{TypeMeta: in.TypeMeta}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopy())
	}
	return out
}
