package kplug

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// workStream is one stream of many concurrent calls.
type workStream struct {
	service *service
	stream  grpc.BidiStreamingServer[kplugv1.WorkRequest, kplugv1.WorkResponse]
	calls   sync.WaitGroup

	mutex     sync.Mutex
	cancelled map[uint32]context.CancelFunc
	sending   sync.Mutex
}

// Work answers the calls of a stream until the controller ends it or the plugin stops. It returns when all calls have been answered.
func (s *service) Work(stream grpc.BidiStreamingServer[kplugv1.WorkRequest, kplugv1.WorkResponse]) error {
	work := &workStream{service: s, stream: stream, cancelled: map[uint32]context.CancelFunc{}}
	ended := make(chan error, 1)
	requests := make(chan *kplugv1.WorkRequest)
	go func() {
		for {
			request, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case requests <- request:
			case <-stream.Context().Done():
			}
		}
	}()
	defer work.calls.Wait()
	for {
		select {
		case request := <-requests:
			work.serve(request)
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-s.ending:
			return nil
		}
	}
}

// serve starts or cancels one call.
func (w *workStream) serve(request *kplugv1.WorkRequest) {
	if request.GetCancellation() != nil {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		if cancel, found := w.cancelled[request.Id]; found {
			cancel()
		}
		return
	}
	ctx, cancel := context.WithCancel(w.stream.Context())
	w.mutex.Lock()
	w.cancelled[request.Id] = cancel
	w.mutex.Unlock()
	w.calls.Go(func() {
		defer func() {
			w.mutex.Lock()
			defer w.mutex.Unlock()
			delete(w.cancelled, request.Id)
			cancel()
		}()
		w.answer(ctx, request)
	})
}

// answer answers one call, unless it is cancelled.
func (w *workStream) answer(ctx context.Context, request *kplugv1.WorkRequest) {
	if w.service.calls.begin() {
		// The call ends when its answer has been sent.
		defer w.service.calls.end()
		w.send(ctx, w.call(ctx, request))
		return
	}
	w.send(ctx, workError(request.Id, errStopping))
}

func (w *workStream) call(ctx context.Context, request *kplugv1.WorkRequest) *kplugv1.WorkResponse {
	response := &kplugv1.WorkResponse{Id: request.Id}
	switch call := request.Call.(type) {
	case *kplugv1.WorkRequest_Reconcile:
		response.Answer = &kplugv1.WorkResponse_Reconcile{Reconcile: w.service.reconcile(ctx, call.Reconcile)}
	case *kplugv1.WorkRequest_Finalize:
		response.Answer = &kplugv1.WorkResponse_Finalize{Finalize: w.service.finalize(ctx, call.Finalize)}
	default:
		return workError(request.Id, status.Error(codes.Unimplemented, "this plugin does not support the call"))
	}
	return response
}

func (w *workStream) send(ctx context.Context, response *kplugv1.WorkResponse) {
	if ctx.Err() != nil {
		return
	}
	w.sending.Lock()
	defer w.sending.Unlock()
	if err := w.stream.Send(response); err != nil {
		w.service.log.Debug("the answer to a call was not sent", "error", err)
	}
}

func workError(id uint32, err error) *kplugv1.WorkResponse {
	answer := &kplugv1.WorkError{Code: uint32(status.Code(err)), Message: status.Convert(err).Message()}
	return &kplugv1.WorkResponse{Id: id, Answer: &kplugv1.WorkResponse_Error{Error: answer}}
}
