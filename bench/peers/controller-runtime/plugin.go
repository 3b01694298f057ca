package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const reconcileMethod = "/kplug.v1.PluginService/Reconcile"

// Field numbers of kplug.v1 that the client uses.
const (
	requestBase, requestExtensions, requestAssignment, requestContext = 1, 2, 3, 4
	responseOutcome, responseBaseStatus, responseExtensionStatuses    = 1, 4, 5
	outcomeSuccess                                                    = 1
)

// PluginClient calls a plugin over one connection.
type PluginClient struct {
	connection *grpc.ClientConn
}

// Answer is the response of a plugin.
type Answer struct {
	BaseStatus        []byte
	ExtensionStatuses map[string][]byte
}

// NewPluginClient creates a client, which connects with its first call.
func NewPluginClient(address string) (*PluginClient, error) {
	connection, err := grpc.NewClient(
		"passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{})),
	)
	return &PluginClient{connection}, err
}

// Close closes the connection.
func (p *PluginClient) Close() error { return p.connection.Close() }

// Reconcile calls the plugin with a base and its extensions.
func (p *PluginClient) Reconcile(ctx context.Context, base *Table, extensions map[string]*Option) (*Answer, error) {
	request, err := encodeRequest(base, extensions)
	if err != nil {
		return nil, err
	}
	var response []byte
	if err := p.connection.Invoke(ctx, reconcileMethod, &request, &response); err != nil {
		return nil, err
	}
	return decodeResponse(response)
}

func keyOf(object client.Object) string {
	gvk := object.GetObjectKind().GroupVersionKind()
	return strings.Join([]string{gvk.Group, gvk.Version, gvk.Kind, object.GetNamespace(), object.GetName()}, "/")
}

func encodeRequest(base *Table, extensions map[string]*Option) ([]byte, error) {
	resource, err := encodeResource(base)
	if err != nil {
		return nil, err
	}
	request := appendBytes(nil, requestBase, resource)
	for key, extension := range extensions {
		resource, err := encodeResource(extension)
		if err != nil {
			return nil, err
		}
		request = appendBytes(request, requestExtensions, appendBytes(appendBytes(nil, 1, []byte(key)), 2, resource))
	}
	var assignment []byte
	for field, value := range []string{"tables", apiName, apiVersion, "NoPreference", "the resource prefers no implementation"} {
		assignment = appendBytes(assignment, protowire.Number(field+1), []byte(value))
	}
	request = appendBytes(request, requestAssignment, assignment)
	attempt := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1)
	return appendBytes(request, requestContext, attempt), nil
}

func encodeResource(object client.Object) ([]byte, error) {
	text, err := json.Marshal(object)
	return appendBytes(nil, 1, text), err
}

func appendBytes(message []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, field, protowire.BytesType), value)
}

func decodeResponse(message []byte) (*Answer, error) {
	answer := &Answer{ExtensionStatuses: map[string][]byte{}}
	outcome := uint64(0)
	err := eachField(message, func(field protowire.Number, number uint64, value []byte) error {
		switch field {
		case responseOutcome:
			outcome = number
		case responseBaseStatus:
			answer.BaseStatus = value
		case responseExtensionStatuses:
			var key string
			var status []byte
			err := eachField(value, func(field protowire.Number, _ uint64, value []byte) error {
				if field == 1 {
					key = string(value)
				} else {
					status = value
				}
				return nil
			})
			answer.ExtensionStatuses[key] = status
			return err
		}
		return nil
	})
	if err == nil && outcome != outcomeSuccess {
		err = fmt.Errorf("the plugin answered with outcome %d", outcome)
	}
	return answer, err
}

func eachField(message []byte, visit func(field protowire.Number, number uint64, value []byte) error) error {
	for len(message) > 0 {
		field, wireType, length := protowire.ConsumeTag(message)
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		var number uint64
		var value []byte
		switch wireType {
		case protowire.VarintType:
			number, length = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			value, length = protowire.ConsumeBytes(message)
		default:
			length = protowire.ConsumeFieldValue(field, wireType, message)
		}
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		if err := visit(field, number, value); err != nil {
			return err
		}
	}
	return nil
}

// bytesCodec passes messages on as bytes.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}
