package session

import (
	"context"
	"fmt"
	"io"
	"time"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
	"kplug.dev/sdk-go/internal/security"
)

// stream is one session with the controller, over a connection of its own.
type stream struct {
	proof security.Proof
	// Closed when the controller accepts the registration.
	accepted chan struct{}
	// Closed when the session has ended, with the error.
	ended chan struct{}
	err   error
	// Ends the session gracefully.
	close func()
}

func (s *stream) isAccepted() bool {
	select {
	case <-s.accepted:
		return true
	default:
		return false
	}
}

func (s *stream) waitUntilAccepted() error {
	select {
	case <-s.accepted:
		return nil
	case <-s.ended:
		return s.err
	}
}

func (s *Session) open(ctx context.Context, used security.Proof) *stream {
	ctx, cancel := context.WithCancel(ctx)
	opened := &stream{proof: used, accepted: make(chan struct{}), ended: make(chan struct{}), close: cancel}
	go func() {
		defer cancel()
		defer close(opened.ended)
		opened.err = s.serveStream(ctx, used, opened.accepted)
	}()
	return opened
}

// serveStream registers and sends heartbeats. It closes accepted with the first lease.
func (s *Session) serveStream(ctx context.Context, used security.Proof, accepted chan<- struct{}) error {
	connection, err := s.connect(used)
	if err != nil {
		return err
	}
	defer connection.Close()
	// The stream outlives the context, to be closed gracefully.
	streamContext, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stream, err := kplugv1.NewRegistryServiceClient(connection).Session(streamContext)
	if err != nil {
		return err
	}
	registration := &kplugv1.SessionRequest_Registration{Registration: s.registrationWith(used)}
	if err := stream.Send(&kplugv1.SessionRequest{Message: registration}); err != nil && err != io.EOF {
		return err
	}

	responses := make(chan *kplugv1.SessionResponse)
	ended := make(chan error, 1)
	go func() {
		for {
			response, err := stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case responses <- response:
			case <-streamContext.Done():
			}
		}
	}()

	ticker := time.NewTicker(defaultInterval)
	defer ticker.Stop()
	isAccepted := false
	// A server that hangs is no error of the stream.
	unanswered := time.NewTimer(answerTimeout)
	defer unanswered.Stop()
	for {
		select {
		case <-unanswered.C:
			return fmt.Errorf("no answer within %s", answerTimeout)
		case <-ctx.Done():
			stream.CloseSend()
			select {
			case <-ended:
			case <-time.After(callTimeout):
			}
			return ctx.Err()
		case err := <-ended:
			return fmt.Errorf("session ended: %w", err)
		case response := <-responses:
			unanswered.Stop()
			if refusal := response.GetRefusal(); refusal != nil {
				return refused{refusal}
			}
			ticker.Reset(s.accept(response.GetLease()))
			if !isAccepted {
				close(accepted)
				isAccepted = true
			}
		case <-ticker.C:
			// Recv returns the error of a broken stream.
			_ = stream.Send(&kplugv1.SessionRequest{Message: &kplugv1.SessionRequest_Beat{Beat: &kplugv1.Beat{}}})
		}
	}
}
