package kplug

import "reflect"

// Extension is a kind of extension resources with the types of its spec and status. A plugin declares it once, in API.Extensions, and uses
// it to find the extensions of a call:
//
//	var style = kplug.Extension[Style, StyleStatus]{Kind: "GreetingStyle"}
//
//	if found := style.First(call.Extensions); found != nil { … }
type Extension[Spec, Status any] struct {
	// Kind, or Kind.group if the group matters, such as GreetingStyle.example.org.
	Kind string
	// Strict refuses extensions whose spec has fields that Spec does not have. Default: they are ignored.
	Strict bool
}

// ExtensionKind is a kind of extension resources: an Extension with any types.
type ExtensionKind interface {
	kindAndGroup() string
	// shape returns the resourceShape.
	shape() reflect.Type
	// check returns the reason why the spec of an extension of this kind is invalid.
	check(sent *sentResource) error
}

// Extensions are the extension resources of a call, ordered by their keys: by group, version, kind and name.
type Extensions struct {
	sent []*sentResource
}

// First returns the first extension of this kind, or nil if the base references none that exists.
func (e Extension[Spec, Status]) First(extensions Extensions) *Resource[Spec, Status] {
	for _, sent := range extensions.sent {
		if sent.is(e.Kind) {
			return fit[Spec, Status](sent, e.Strict)
		}
	}
	return nil
}

// All returns all extensions of this kind.
func (e Extension[Spec, Status]) All(extensions Extensions) []*Resource[Spec, Status] {
	var found []*Resource[Spec, Status]
	for _, sent := range extensions.sent {
		if sent.is(e.Kind) {
			found = append(found, fit[Spec, Status](sent, e.Strict))
		}
	}
	return found
}

func (e Extension[Spec, Status]) kindAndGroup() string { return e.Kind }

func (e Extension[Spec, Status]) shape() reflect.Type {
	return reflect.TypeFor[resourceShape[Spec, Status]]()
}

func (e Extension[Spec, Status]) check(sent *sentResource) error {
	return fit[Spec, Status](sent, e.Strict).specError
}
