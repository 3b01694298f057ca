package kplug

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
	"kplug.dev/sdk-go/internal/locks"
)

// reconcileHandler answers a call by the functions of the author.
type reconcileHandler func(context.Context, *kplugv1.ReconcileRequest, *slog.Logger) (*kplugv1.ReconcileResponse, error)

// finalizeHandler answers a call by the functions of the author.
type finalizeHandler func(context.Context, *kplugv1.FinalizeRequest, *slog.Logger) (*kplugv1.FinalizeResponse, error)

func (a API[Spec, Status]) reconcileHandler() reconcileHandler {
	return func(ctx context.Context, r *kplugv1.ReconcileRequest, log *slog.Logger) (*kplugv1.ReconcileResponse, error) {
		if err := a.checkCapability(r.GetAssignment().GetCapability()); err != nil {
			return nil, err
		}
		call, err := readCall(r, a, false, log)
		if err != nil {
			return nil, err
		}
		result, err := a.Reconcile(ctx, call)
		if err != nil {
			return nil, err
		}
		return encodeResult(result, r)
	}
}

func (a API[Spec, Status]) finalizeHandler() finalizeHandler {
	return func(ctx context.Context, r *kplugv1.FinalizeRequest, log *slog.Logger) (*kplugv1.FinalizeResponse, error) {
		if a.Finalize == nil {
			return &kplugv1.FinalizeResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS}, nil
		}
		// A resource that was valid once and edited since must be finalized too.
		call, err := readCall(r, a, true, log)
		if err != nil {
			return nil, err
		}
		isHandedOver := r.GetCause() == kplugv1.FinalizeCause_FINALIZE_CAUSE_HANDED_OVER
		result, err := a.Finalize(ctx, &FinalizeCall[Spec, Status]{Call: *call, HandedOver: isHandedOver})
		if err != nil {
			return nil, err
		}
		return encodeFinalizeResult(result, r)
	}
}

// checkCapability fails if a controller asks for a capability that the API does not provide. Finalizing needs no check, so that a base can
// be deleted.
func (a API[Spec, Status]) checkCapability(asked *kplugv1.AssignedCapability) error {
	if asked == nil || len(a.Provides) == 0 {
		return nil
	}
	var provided []string
	for _, one := range a.Provides {
		if one.Category == asked.Category && one.Type == asked.Type && slices.Contains(one.Versions, asked.Version) {
			return nil
		}
		provided = append(provided, one.Category+"/"+one.Type+" "+strings.Join(one.Versions, ", "))
	}
	return Terminal("NoSuchVersion", "the plugin provides no %s/%s %s; it provides %s",
		asked.Category, asked.Type, asked.Version, strings.Join(provided, "; "))
}

// service implements kplug.v1.PluginService.
type service struct {
	kplugv1.UnimplementedPluginServiceServer
	info            *kplugv1.GetInfoResponse
	implementations []*implementation
	log             *slog.Logger
	maxAnswerSize   int
	locks           locks.Locks
	calls           inFlight
	// Closed when streams of Work end as soon as their calls have been answered.
	ending chan struct{}
}

// NewService returns the service that answers calls by the functions of a plugin, without a port or heartbeats. Tests call it directly.
func NewService(plugin Plugin) (kplugv1.PluginServiceServer, error) {
	return newService(plugin, "", defaultMaxAnswerSize)
}

func newService(plugin Plugin, instanceID string, maxAnswerSize int) (*service, error) {
	implementations, err := plugin.implementations()
	if err != nil {
		return nil, err
	}
	s := &service{
		implementations: implementations, log: plugin.logger(), maxAnswerSize: maxAnswerSize, ending: make(chan struct{}),
		info: &kplugv1.GetInfoResponse{
			Plugin:          plugin.Name,
			Version:         plugin.Version,
			InstanceId:      instanceID,
			Runtime:         fmt.Sprintf("kplug-go/%s %s", version, runtime.Version()),
			ServesWork:      true,
			SerializesCalls: true,
		},
	}
	for _, one := range implementations {
		s.info.Apis = append(s.info.Apis, one.api)
	}
	return s, nil
}

// errStopping is the error of calls to a plugin that is stopping.
var errStopping = status.Error(codes.Unavailable, "the plugin is stopping")

// GetInfo identifies the plugin.
func (s *service) GetInfo(context.Context, *kplugv1.GetInfoRequest) (*kplugv1.GetInfoResponse, error) {
	return s.info, nil
}

// Reconcile answers a call of Reconcile. A failure is an answer too.
func (s *service) Reconcile(ctx context.Context, r *kplugv1.ReconcileRequest) (*kplugv1.ReconcileResponse, error) {
	if !s.calls.begin() {
		return nil, errStopping
	}
	defer s.calls.end()
	return s.reconcile(ctx, r), nil
}

// Finalize answers a call of Finalize. A failure is an answer too.
func (s *service) Finalize(ctx context.Context, r *kplugv1.FinalizeRequest) (*kplugv1.FinalizeResponse, error) {
	if !s.calls.begin() {
		return nil, errStopping
	}
	defer s.calls.end()
	return s.finalize(ctx, r), nil
}

// reconcile answers a call in a span of its trace.
func (s *service) reconcile(ctx context.Context, r *kplugv1.ReconcileRequest) *kplugv1.ReconcileResponse {
	return traced(ctx, "Reconcile", r, func(ctx context.Context) *kplugv1.ReconcileResponse { return s.answerReconcile(ctx, r) })
}

func (s *service) answerReconcile(ctx context.Context, r *kplugv1.ReconcileRequest) *kplugv1.ReconcileResponse {
	response, err := handle(ctx, s, r, func(one *implementation) (*kplugv1.ReconcileResponse, error) {
		return one.reconcile(ctx, r, tracedLog(ctx, s.log))
	})
	if err == nil {
		err = checkAnswer(response, s.maxAnswerSize)
	}
	if err == nil {
		return response
	}
	failed := s.explain(ctx, r, err)
	return &kplugv1.ReconcileResponse{Outcome: failed.outcome, RetryAfter: failed.retryAfter, Messages: failed.messages}
}

// finalize answers a call in a span of its trace.
func (s *service) finalize(ctx context.Context, r *kplugv1.FinalizeRequest) *kplugv1.FinalizeResponse {
	return traced(ctx, "Finalize", r, func(ctx context.Context) *kplugv1.FinalizeResponse { return s.answerFinalize(ctx, r) })
}

func (s *service) answerFinalize(ctx context.Context, r *kplugv1.FinalizeRequest) *kplugv1.FinalizeResponse {
	response, err := handle(ctx, s, r, func(one *implementation) (*kplugv1.FinalizeResponse, error) {
		return one.finalize(ctx, r, tracedLog(ctx, s.log))
	})
	if err == nil {
		err = checkFinalizeAnswer(response, s.maxAnswerSize)
	}
	if err == nil {
		return response
	}
	failed := s.explain(ctx, r, err)
	return &kplugv1.FinalizeResponse{Outcome: failed.outcome, RetryAfter: failed.retryAfter, Messages: failed.messages}
}

// handle calls an implementation when the earlier calls for the resource have ended. A panic becomes an error.
func handle[Response any](
	ctx context.Context, s *service, r request, call func(*implementation) (Response, error),
) (response Response, err error) {
	implementation, err := s.find(r.GetAssignment())
	if err != nil {
		return response, err
	}
	unlock, err := s.locks.Lock(ctx, uidOf(r))
	if errors.Is(err, locks.ErrEarlierCall) {
		err = Retry("EarlierCallRunning", "%w", err)
	}
	if err != nil {
		return response, err
	}
	defer unlock()
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("call panicked", "panic", cause, "resource", describeBase(r), "stack", string(debug.Stack()))
			err = Retry("PluginError", "panic: %v", cause)
		}
	}()
	return call(implementation)
}

// find returns the implementation of the API of a call.
func (s *service) find(assignment *kplugv1.Assignment) (*implementation, error) {
	api, version := assignment.GetApi(), assignment.GetApiVersion()
	var found *implementation
	for _, one := range s.implementations {
		if one.api.Name == api && (found == nil || one.api.Version == version) {
			found = one
		}
	}
	if found == nil && api == "" && len(s.implementations) == 1 {
		found = s.implementations[0]
	}
	if found == nil {
		return nil, Terminal("UnknownApi", "this plugin doesn't implement the API %q", api)
	}
	return found, nil
}

// describeBase returns the kind, namespace and name of the base; empty if it is malformed.
func describeBase(r request) string {
	base, err := readResource("", r.GetBase())
	if err != nil {
		return ""
	}
	return describe(base)
}

// uidOf returns the uid of the base; empty if there is none.
func uidOf(r request) string {
	base, err := readResource("", r.GetBase())
	if err != nil {
		// The call itself answers a malformed resource.
		return ""
	}
	return base.Metadata.UID
}

// explain converts an error into an answer, and logs it if the author did not choose it.
func (s *service) explain(ctx context.Context, r request, err error) explanation {
	explained := explain(err)
	if explained.unexpected {
		trace.SpanFromContext(ctx).RecordError(err)
		// After a cancellation the caller no longer waits for the answer, and functions usually fail.
		level := slog.LevelError
		if ctx.Err() != nil {
			level = slog.LevelDebug
		}
		s.log.Log(ctx, level, "call failed with an unexpected error",
			"error", err, "attempt", r.GetContext().GetAttempt(), "resource", describeBase(r))
	}
	return explained
}
