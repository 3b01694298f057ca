package kplug

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Object is a JSON object whose fields have no declared types. Numbers in objects that the SDK decodes are json.Number, as float64 would
// round large integers.
type Object = map[string]any

// Metadata has the metadata that every resource has.
type Metadata struct {
	Name string `json:"name"`
	// Namespace; empty for cluster-scoped kinds.
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	Generation        int64             `json:"generation"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	CreationTimestamp *time.Time        `json:"creationTimestamp"`
	DeletionTimestamp *time.Time        `json:"deletionTimestamp"`
}

// Resource is a resource as a plugin receives it.
type Resource[Spec, Status any] struct {
	APIVersion string
	Kind       string
	Metadata   Metadata
	Spec       Spec
	// Status that the resource has now. It is the zero value if it does not match the type, as another plugin may have written it.
	Status Status

	key       string
	json      []byte
	specError error
}

// UntypedResource is a resource whose fields have no declared types.
type UntypedResource = Resource[Object, Object]

// Validator is implemented by specs that check more than their types. The user reads the error of an invalid spec in the status of the
// resource, so it should begin with the path of the field, such as `.spec.columns: must have at least one column`.
type Validator interface {
	Validate() error
}

// Target is what a message, an Event or a failure is about: a resource of the call.
type Target interface {
	target() string
}

// Decode decodes the whole resource, with fields besides the spec and the status, such as the data of a ConfigMap.
func (r *Resource[Spec, Status]) Decode(into any) error { return decode(r.json, into, false) }

// SpecError returns the reason why the spec is invalid, or nil. Only Finalize is called with an invalid spec, as a resource that was
// edited to an invalid one must be finalized too. Its Spec has the values that could be decoded.
func (r *Resource[Spec, Status]) SpecError() error { return r.specError }

// WithStatus returns a status of this extension for Result.Extensions.
func (r *Resource[Spec, Status]) WithStatus(status Status) ExtensionStatus {
	return ExtensionStatus{extension: r, status: status}
}

func (r *Resource[Spec, Status]) target() string { return r.key }

// String returns the kind and the name, for logs and messages.
func (r *Resource[Spec, Status]) String() string { return r.Kind + " " + r.Metadata.Name }

// envelope has the fields that every resource has.
type envelope struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   Metadata        `json:"metadata"`
	Spec       json.RawMessage `json:"spec"`
	Status     json.RawMessage `json:"status"`
}

// sentResource is a resource of a request whose spec and status are not decoded yet.
type sentResource struct {
	envelope
	key  string
	json []byte
}

// readResource reads a resource of a request. The key is that of an extension, or empty.
func readResource(key string, sent *kplugv1.Resource) (*sentResource, error) {
	read := &sentResource{key: key, json: sent.GetJson()}
	return read, decode(read.json, &read.envelope, false)
}

// fit decodes the spec and the status of a resource into their types. An invalid spec is in SpecError.
func fit[Spec, Status any](sent *sentResource, strict bool) *Resource[Spec, Status] {
	resource := &Resource[Spec, Status]{
		APIVersion: sent.APIVersion, Kind: sent.Kind, Metadata: sent.Metadata, key: sent.key, json: sent.json,
	}
	if err := decode(sent.Spec, &resource.Spec, strict); err != nil {
		resource.specError = fmt.Errorf("%s is invalid: %s", resource, describeSpecError(err))
	} else if validator, ok := any(&resource.Spec).(Validator); ok {
		if err := validator.Validate(); err != nil {
			resource.specError = fmt.Errorf("%s is invalid: %w", resource, err)
		}
	}
	if err := decode(sent.Status, &resource.Status, false); err != nil {
		var zero Status
		resource.Status = zero
	}
	return resource
}

// describeSpecError describes an error of the JSON decoder with the path of the field.
func describeSpecError(err error) string {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return ".spec: " + err.Error()
	}
	path := ".spec"
	if mismatch.Field != "" {
		path += "." + mismatch.Field
	}
	return fmt.Sprintf("%s: must be %s, but is %s", path, mismatch.Type, mismatch.Value)
}

// decode decodes JSON. Missing data leaves the target unchanged.
func decode(data []byte, into any, strict bool) error {
	if len(data) == 0 {
		if _, isResource := into.(*envelope); isResource {
			return errors.New("the resource is missing")
		}
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("unexpected data after the JSON value")
	}
	return nil
}
