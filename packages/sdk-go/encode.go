package kplug

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// maxTextLength is the maximum length of the text of a message, condition or Event, in bytes. Controllers accept 32,768 characters.
const maxTextLength = 32_768

const maxPercentage = 100

// encodeResult encodes the result of Reconcile.
func encodeResult[Status any](result *Result[Status], r *kplugv1.ReconcileRequest) (*kplugv1.ReconcileResponse, error) {
	if result == nil {
		return &kplugv1.ReconcileResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS}, nil
	}
	outline, err := encodeOutline(result.Messages, result.Events, result.Progress, r)
	if err != nil {
		return nil, err
	}
	response := &kplugv1.ReconcileResponse{
		Outcome: outline.Outcome, RetryAfter: outline.RetryAfter, Messages: outline.Messages, Events: outline.Events, Progress: outline.Progress,
	}
	if result.Status != nil {
		if response.BaseStatus, err = encodeObject("the status", *result.Status); err != nil {
			return nil, err
		}
	}
	for _, one := range result.Extensions {
		key, err := encodeTarget(one.extension, r)
		if err != nil {
			return nil, err
		}
		if response.ExtensionStatuses == nil {
			response.ExtensionStatuses = map[string][]byte{}
		}
		if response.ExtensionStatuses[key], err = encodeObject("the status of "+key, one.status); err != nil {
			return nil, err
		}
	}
	if response.Dependents, err = encodeDependents(result.Dependents); err != nil {
		return nil, err
	}
	if response.Requirements, err = encodeRequirements(result.Require, r); err != nil {
		return nil, err
	}
	for _, condition := range result.Conditions {
		encoded, err := encodeCondition(condition)
		if err != nil {
			return nil, err
		}
		response.Conditions = append(response.Conditions, encoded)
	}
	if result.RequeueAfter != 0 {
		response.RequeueAfter = durationpb.New(result.RequeueAfter)
	}
	// Progress is answered with RETRY, whose answer doesn't hold.
	if result.ValidFor != 0 && result.Progress == nil {
		response.ValidFor = durationpb.New(result.ValidFor)
	}
	return response, nil
}

// encodeFinalizeResult encodes the result of Finalize. The work isn't done until the call brings what the plugin requires.
func encodeFinalizeResult(result *FinalizeResult, r *kplugv1.FinalizeRequest) (*kplugv1.FinalizeResponse, error) {
	if result == nil {
		return &kplugv1.FinalizeResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS}, nil
	}
	response, err := encodeOutline(result.Messages, result.Events, result.Progress, r)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(result.Require))
	isMissing := func(name string) bool {
		_, found := r.GetRequired()[name]
		return !found
	}
	if !slices.ContainsFunc(names, isMissing) {
		return response, nil
	}
	response.Outcome = kplugv1.Outcome_OUTCOME_RETRY
	text := "the plugin requires further resources: " + strings.Join(names, ", ")
	response.Messages = []*kplugv1.Message{{Severity: kplugv1.Severity_SEVERITY_INFO, Reason: "RequiresResources", Text: text}}
	response.Requirements, err = encodeRequirements(result.Require, r)
	return response, err
}

// encodeOutline encodes the fields that both responses have.
func encodeOutline(messages []Message, events []Event, progress *Progress, r request) (*kplugv1.FinalizeResponse, error) {
	response := &kplugv1.FinalizeResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS}
	for _, message := range messages {
		encoded, err := encodeMessage(message, r)
		if err != nil {
			return nil, err
		}
		response.Messages = append(response.Messages, encoded)
	}
	for _, event := range events {
		target, err := encodeTarget(event.Target, r)
		if err != nil {
			return nil, err
		}
		encoded := &kplugv1.Event{Type: kplugv1.EventType_EVENT_TYPE_NORMAL, Reason: event.Reason, Message: validText(event.Message), Target: target}
		if event.Warning {
			encoded.Type = kplugv1.EventType_EVENT_TYPE_WARNING
		}
		response.Events = append(response.Events, encoded)
	}
	return response, encodeProgress(progress, response)
}

// encodeProgress says in a response that an operation is in progress.
func encodeProgress(progress *Progress, response *kplugv1.FinalizeResponse) error {
	if progress == nil {
		return nil
	}
	response.Outcome = kplugv1.Outcome_OUTCOME_RETRY
	response.Progress = &kplugv1.Progress{Message: validText(progress.Message), Token: progress.Token}
	state := "in progress"
	if progress.Percentage != nil {
		percentage := *progress.Percentage
		if percentage < 0 || percentage > maxPercentage {
			return fmt.Errorf("the plugin returned the percentage %d; it must be 0 to 100", percentage)
		}
		encoded := uint32(percentage)
		response.Progress.Percentage = &encoded
		state = fmt.Sprintf("%d %% done", percentage)
	}
	if progress.After != 0 {
		response.RetryAfter = durationpb.New(progress.After)
	}
	if progress.Message != "" {
		state += ": " + progress.Message
	}
	// For controllers that don't know of progress, and take the answer for a failure.
	message := &kplugv1.Message{Severity: kplugv1.Severity_SEVERITY_INFO, Reason: "InProgress", Text: validText(state)}
	response.Messages = append(response.Messages, message)
	return nil
}

var severities = map[Severity]kplugv1.Severity{
	"":              kplugv1.Severity_SEVERITY_INFO,
	SeverityInfo:    kplugv1.Severity_SEVERITY_INFO,
	SeverityWarning: kplugv1.Severity_SEVERITY_WARNING,
	SeverityError:   kplugv1.Severity_SEVERITY_ERROR,
}

func encodeMessage(message Message, r request) (*kplugv1.Message, error) {
	severity, known := severities[message.Severity]
	if !known {
		return nil, fmt.Errorf("the severity of a message is %q; use Info, Warning or Error", message.Severity)
	}
	target, err := encodeTarget(message.Target, r)
	return &kplugv1.Message{Severity: severity, Reason: message.Reason, Text: validText(message.Text), Target: target}, err
}

var conditionStatuses = map[ConditionStatus]kplugv1.ConditionStatus{
	ConditionTrue:    kplugv1.ConditionStatus_CONDITION_STATUS_TRUE,
	ConditionFalse:   kplugv1.ConditionStatus_CONDITION_STATUS_FALSE,
	ConditionUnknown: kplugv1.ConditionStatus_CONDITION_STATUS_UNKNOWN,
}

func encodeCondition(condition Condition) (*kplugv1.Condition, error) {
	status, known := conditionStatuses[condition.Status]
	if !known {
		return nil, fmt.Errorf("the status of the condition %s is %q; use True, False or Unknown", condition.Type, condition.Status)
	}
	return &kplugv1.Condition{Type: condition.Type, Status: status, Reason: condition.Reason, Message: validText(condition.Message)}, nil
}

// encodeRequirements encodes what a plugin requires. It fails if the controller is too old to read it.
func encodeRequirements(require map[string]Requirement, r request) (map[string]*kplugv1.ResourceRequirement, error) {
	if len(require) == 0 {
		return nil, nil
	}
	if !r.GetContext().GetSupportsRequirements() {
		return nil, Terminal("RequirementsUnsupported", "the plugin requires further resources, which the operator does not send; upgrade it")
	}
	encoded := map[string]*kplugv1.ResourceRequirement{}
	for name, one := range require {
		encoded[name] = &kplugv1.ResourceRequirement{
			ApiVersion: one.APIVersion, Kind: one.Kind, Namespace: one.Namespace, Name: one.Name, Labels: one.Labels,
		}
	}
	return encoded, nil
}

// encodeTarget returns the key of an extension of the request; empty for the base.
func encodeTarget(target Target, r request) (string, error) {
	if target == nil {
		return "", nil
	}
	key := target.target()
	if _, found := r.GetExtensions()[key]; key != "" && !found {
		return "", fmt.Errorf("the plugin returned a status, message or Event for %s, which is not an extension of this call", key)
	}
	return key, nil
}

// encodeObject encodes a status as a JSON object.
func encodeObject(what string, value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%s can't be encoded as JSON: %w", what, err)
	}
	if !bytes.HasPrefix(encoded, []byte("{")) {
		return nil, errors.New(what + " is not a JSON object; use a struct or a map that is not nil")
	}
	return encoded, nil
}

// validText returns a text that fits into a message: valid UTF-8, shortened if it is too long.
func validText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxTextLength {
		return text
	}
	const end = "…"
	return strings.ToValidUTF8(text[:maxTextLength-len(end)], "") + end
}
