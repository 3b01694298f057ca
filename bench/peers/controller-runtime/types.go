package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "controller-runtime.bench.example.org", Version: "v1"}

// Table is the base resource.
type Table struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              TableSpec   `json:"spec"`
	Status            TableStatus `json:"status,omitempty,omitzero"`
}

// TableSpec is the spec of a table.
type TableSpec struct {
	ServerName              string      `json:"serverName"`
	PreferredImplementation string      `json:"preferredImplementation,omitempty"`
	Edit                    int64       `json:"edit"`
	Columns                 []Column    `json:"columns"`
	Extensions              []Reference `json:"extensions,omitempty"`
}

// Column is a column of a table.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Reference is a reference to an extension in the same namespace.
type Reference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
}

// TableStatus has the same fields as the status that Kplug writes.
type TableStatus struct {
	Implementation     string             `json:"implementation,omitempty"`
	Plugin             Plugin             `json:"plugin,omitempty,omitzero"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Rows               int64              `json:"rows,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// Plugin is the plugin that reconciled.
type Plugin struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	API        string `json:"api"`
	APIVersion string `json:"apiVersion"`
}

// Option is the extension resource.
type Option struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              OptionSpec   `json:"spec"`
	Status            OptionStatus `json:"status,omitempty,omitzero"`
}

// OptionSpec is the spec of an option.
type OptionSpec struct {
	Partitions int64 `json:"partitions"`
}

// OptionStatus is the status of an option.
type OptionStatus struct {
	Partitions int64 `json:"partitions,omitempty"`
}

// TableList is a list of tables.
type TableList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Table `json:"items"`
}

// OptionList is a list of options.
type OptionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Option `json:"items"`
}

// DeepCopyObject copies a table.
func (in *Table) DeepCopyObject() runtime.Object { return in.DeepCopy() }

// DeepCopy copies a table.
func (in *Table) DeepCopy() *Table {
	out := &Table{TypeMeta: in.TypeMeta, Spec: in.Spec, Status: in.Status}
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.Columns = append([]Column(nil), in.Spec.Columns...)
	out.Spec.Extensions = append([]Reference(nil), in.Spec.Extensions...)
	out.Status.Conditions = append([]metav1.Condition(nil), in.Status.Conditions...)
	return out
}

// DeepCopyObject copies an option.
func (in *Option) DeepCopyObject() runtime.Object { return in.DeepCopy() }

// DeepCopy copies an option.
func (in *Option) DeepCopy() *Option {
	out := &Option{TypeMeta: in.TypeMeta, Spec: in.Spec, Status: in.Status}
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	return out
}

// DeepCopyObject copies a list.
func (in *TableList) DeepCopyObject() runtime.Object {
	out := &TableList{TypeMeta: in.TypeMeta}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopy())
	}
	return out
}

// DeepCopyObject copies a list.
func (in *OptionList) DeepCopyObject() runtime.Object {
	out := &OptionList{TypeMeta: in.TypeMeta}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopy())
	}
	return out
}
