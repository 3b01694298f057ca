package kplug

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Failure is an error that tells the user what went wrong, and the controller whether to retry. Terminal and Retry create it, and it may be
// wrapped. Any other error is retried with the reason PluginError.
type Failure struct {
	// Reason in one PascalCase word.
	Reason string
	// Permanent failures are not retried until the resource, an extension or the plugin changes.
	Permanent bool
	// Delay before the retry. Default: the exponential back-off of the controller.
	Delay time.Duration
	// Target that the failure is about: an extension of the call. Default: the base.
	Target Target

	err error
}

// Terminal returns a permanent failure, which is not retried until the resource, an extension or the plugin changes. The user reads the text
// in the status of the resource, so it should say what to do. The format may wrap an error by %w.
func Terminal(reason, format string, args ...any) *Failure {
	return &Failure{Reason: reason, Permanent: true, err: fmt.Errorf(format, args...)}
}

// Retry returns a transient failure, as Terminal does.
func Retry(reason, format string, args ...any) *Failure {
	return &Failure{Reason: reason, err: fmt.Errorf(format, args...)}
}

// WithDelay returns a copy with a delay before the retry.
func (f *Failure) WithDelay(delay time.Duration) *Failure {
	changed := *f
	changed.Delay = delay
	return &changed
}

// WithTarget returns a copy that is about an extension of the call.
func (f *Failure) WithTarget(target Target) *Failure {
	changed := *f
	changed.Target = target
	return &changed
}

// Error returns the text for the user.
func (f *Failure) Error() string {
	if f.err == nil {
		return f.Reason
	}
	return f.err.Error()
}

// Unwrap returns the wrapped error.
func (f *Failure) Unwrap() error { return f.err }

// explanation is how a failure is answered.
type explanation struct {
	outcome    kplugv1.Outcome
	retryAfter *durationpb.Duration
	messages   []*kplugv1.Message
	// True if the error is not a Failure.
	unexpected bool
}

// explain converts an error into an outcome and messages: one for each of the joined errors. The outcome is TERMINAL if no retry can help.
func explain(err error) explanation {
	explained := explanation{outcome: kplugv1.Outcome_OUTCOME_RETRY}
	parts := joined(err)
	for _, one := range parts[:min(len(parts), maxMessages)] {
		var failure *Failure
		if !errors.As(one, &failure) {
			failure = &Failure{Reason: "PluginError"}
			explained.unexpected = true
		}
		message := &kplugv1.Message{Severity: kplugv1.Severity_SEVERITY_ERROR, Reason: failure.Reason, Text: validText(one.Error())}
		if failure.Target != nil {
			message.Target = failure.Target.target()
		}
		explained.messages = append(explained.messages, message)
		if failure.Permanent {
			explained.outcome = kplugv1.Outcome_OUTCOME_TERMINAL
		} else if failure.Delay > 0 {
			explained.retryAfter = durationpb.New(failure.Delay)
		}
	}
	if explained.outcome == kplugv1.Outcome_OUTCOME_TERMINAL {
		explained.retryAfter = nil
	}
	return explained
}

// joined returns the errors of errors.Join, or the error itself.
func joined(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok && isJoin(err, many.Unwrap()) {
		return many.Unwrap()
	}
	return []error{err}
}

// isJoin reports whether the text of an error is that of errors.Join, and not of a format with several %w.
func isJoin(err error, parts []error) bool { return err.Error() == errors.Join(parts...).Error() }
