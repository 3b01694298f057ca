package kplugtest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"kplug.dev/sdk-go"
	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// Outcome is the outcome of a call.
type Outcome string

const (
	// Success is the outcome of a call that did its work.
	Success Outcome = "Success"
	// InProgress is the outcome of a call that returned progress.
	InProgress Outcome = "InProgress"
	// Retry is a failure that an operator repeats.
	Retry Outcome = "Retry"
	// Terminal is a failure that an operator does not repeat until something changes.
	Terminal Outcome = "Terminal"
)

// Answer is the answer of a plugin, as an operator receives it.
type Answer struct {
	Outcome Outcome
	// Reason of a failure, such as InvalidSpec; empty for Success and InProgress.
	Reason string
	// Message of a failure or of the progress.
	Message string
	// Progress of the work; nil if there is none.
	Progress *kplug.Progress
	// Messages to the user, also those of a failure.
	Messages []Message
	Events   []Event
	// Conditions of the base, without those of the operator.
	Conditions []kplug.Condition
	// Dependents with their rules. The manifests are Objects. Nil: no change.
	Dependents []kplug.Dependent
	// Require has the further resources that the plugin requires, by the names of the requirements.
	Require map[string]kplug.Requirement
	// Delays and times; zero if the plugin states none.
	RequeueAfter, ValidFor, RetryAfter time.Duration

	t          testing.TB
	status     []byte
	extensions map[string][]byte
}

// Message is a message to the user.
type Message struct {
	Severity     kplug.Severity
	Reason, Text string
	// Extension that the message is about, as Kind/name; empty for the base.
	Extension string
}

// Event is an Event to record.
type Event struct {
	Warning         bool
	Reason, Message string
	// Extension that the Event is about, as Kind/name; empty for the base.
	Extension string
}

// AssertOutcome fails the test unless the call had this outcome, and the reason if one is given. It tells what the plugin answered.
func (a *Answer) AssertOutcome(outcome Outcome, reason ...string) {
	a.t.Helper()
	if a.Outcome == outcome && (len(reason) == 0 || reason[0] == a.Reason) {
		return
	}
	expected := strings.TrimSpace(string(outcome) + " " + strings.Join(reason, " "))
	answered := strings.TrimSpace(string(a.Outcome) + " " + a.Reason)
	a.t.Fatalf("expected the outcome %s; the plugin answered %s: %s", expected, answered, a.Message)
}

// HasStatus reports whether the plugin returned a status of the base.
func (a *Answer) HasStatus() bool { return a.status != nil }

// Status decodes the status of the base into a type of the plugin or an Object. It fails the test if the plugin returned none.
func (a *Answer) Status(into any) {
	a.t.Helper()
	a.decode(a.status, "status of the base", into)
}

// ExtensionStatus decodes the status of an extension, by Kind/name. It fails the test if the plugin returned none.
func (a *Answer) ExtensionStatus(extension string, into any) {
	a.t.Helper()
	a.decode(a.extensions[extension], "status of "+extension, into)
}

func (a *Answer) decode(status []byte, what string, into any) {
	a.t.Helper()
	if status == nil {
		a.t.Fatalf("the plugin returned no %s; its outcome is %s %s: %s", what, a.Outcome, a.Reason, a.Message)
	}
	if err := json.Unmarshal(status, into); err != nil {
		a.t.Fatalf("the %s can't be decoded: %v", what, err)
	}
}

// response is a response of either method.
type response interface {
	GetOutcome() kplugv1.Outcome
	GetRetryAfter() *durationpb.Duration
	GetMessages() []*kplugv1.Message
	GetEvents() []*kplugv1.Event
	GetProgress() *kplugv1.Progress
	GetRequirements() map[string]*kplugv1.ResourceRequirement
}

func (t *Tester) readAnswer(r response) *Answer {
	a := &Answer{t: t.t, Outcome: outcomeOf(r), RetryAfter: r.GetRetryAfter().AsDuration()}
	for _, one := range r.GetMessages() {
		a.Messages = append(a.Messages, Message{
			Severity: severityOf(one.Severity), Reason: one.Reason, Text: one.Text, Extension: shortName(one.Target),
		})
	}
	for _, one := range r.GetEvents() {
		isWarning := one.Type == kplugv1.EventType_EVENT_TYPE_WARNING
		a.Events = append(a.Events, Event{Warning: isWarning, Reason: one.Reason, Message: one.Message, Extension: shortName(one.Target)})
	}
	for name, one := range r.GetRequirements() {
		if a.Require == nil {
			a.Require = map[string]kplug.Requirement{}
		}
		a.Require[name] = kplug.Requirement{
			APIVersion: one.ApiVersion, Kind: one.Kind, Namespace: one.Namespace, Name: one.Name, Labels: one.Labels,
		}
	}
	if progress := r.GetProgress(); progress != nil {
		a.readProgress(progress)
	} else if worst := worstOf(a.Messages); worst != nil && a.Outcome != Success {
		a.Reason, a.Message = worst.Reason, worst.Text
	}
	return a
}

func (a *Answer) readProgress(progress *kplugv1.Progress) {
	a.Progress = &kplug.Progress{Message: progress.Message, Token: progress.Token, After: a.RetryAfter}
	if progress.Percentage != nil {
		a.Progress.Percentage = new(int(*progress.Percentage))
	}
	a.Message, a.RetryAfter = progress.Message, 0
	// The last message is that of the SDK, for operators that do not know of progress.
	a.Messages = a.Messages[:max(0, len(a.Messages)-1)]
}

// readResult reads what only an answer to Reconcile has.
func (a *Answer) readResult(r *kplugv1.ReconcileResponse, request *kplugv1.ReconcileRequest) {
	a.t.Helper()
	a.status, a.RequeueAfter, a.ValidFor = r.BaseStatus, r.RequeueAfter.AsDuration(), r.ValidFor.AsDuration()
	a.extensions = map[string][]byte{}
	for key, status := range r.ExtensionStatuses {
		if request.Extensions[key] == nil {
			a.t.Fatalf("the plugin returned a status of %s, which is no extension of the call", key)
		}
		a.extensions[shortName(key)] = status
	}
	for _, one := range r.Conditions {
		a.Conditions = append(a.Conditions, kplug.Condition{
			Type: one.Type, Status: conditionStatuses[one.Status], Reason: one.Reason, Message: one.Message,
		})
	}
	if r.Dependents != nil {
		a.readDependents(r.Dependents)
	}
}

func (a *Answer) readDependents(dependents *kplugv1.Dependents) {
	a.t.Helper()
	a.Dependents = []kplug.Dependent{}
	for _, item := range dependents.Items {
		manifest := kplug.Object{}
		if err := json.Unmarshal(item, &manifest); err != nil {
			a.t.Fatalf("a dependent can't be decoded: %v", err)
		}
		// A dependent without rules has the defaults.
		dependent := kplug.Dependent{Manifest: manifest, Policy: kplug.Apply}
		if rules := rulesOf(dependents.Rules, manifest); rules != nil {
			dependent.DependsOn, dependent.ReadyWhen, dependent.IncludeWhen = rules.DependsOn, rules.ReadyWhen, rules.IncludeWhen
			dependent.ReadyTimeout, dependent.Retain = rules.ReadyTimeout.AsDuration(), rules.Retain
			if policy, isKnown := policies[rules.Policy]; isKnown {
				dependent.Policy = policy
			}
		}
		a.Dependents = append(a.Dependents, dependent)
	}
}

// rulesOf returns the rules of a dependent, by Kind/name or Kind.group/name.
func rulesOf(rules map[string]*kplugv1.DependentRules, manifest kplug.Object) *kplugv1.DependentRules {
	kind, _ := manifest["kind"].(string)
	apiVersion, _ := manifest["apiVersion"].(string)
	metadata, _ := manifest["metadata"].(kplug.Object)
	name, _ := metadata["name"].(string)
	group, _, isNamed := strings.Cut(apiVersion, "/")
	if found := rules[kind+"."+group+"/"+name]; isNamed && found != nil {
		return found
	}
	return rules[kind+"/"+name]
}

func outcomeOf(r response) Outcome {
	switch {
	case r.GetOutcome() == kplugv1.Outcome_OUTCOME_SUCCESS:
		return Success
	case r.GetOutcome() == kplugv1.Outcome_OUTCOME_TERMINAL:
		return Terminal
	case r.GetProgress() != nil:
		return InProgress
	}
	return Retry
}

// worstOf returns the first message of the highest severity.
func worstOf(messages []Message) *Message {
	for _, severity := range []kplug.Severity{kplug.SeverityError, kplug.SeverityWarning, kplug.SeverityInfo} {
		if index := slices.IndexFunc(messages, func(one Message) bool { return one.Severity == severity }); index >= 0 {
			return &messages[index]
		}
	}
	return nil
}

func severityOf(severity kplugv1.Severity) kplug.Severity {
	switch severity {
	case kplugv1.Severity_SEVERITY_ERROR:
		return kplug.SeverityError
	case kplugv1.Severity_SEVERITY_WARNING:
		return kplug.SeverityWarning
	}
	return kplug.SeverityInfo
}

var conditionStatuses = map[kplugv1.ConditionStatus]kplug.ConditionStatus{
	kplugv1.ConditionStatus_CONDITION_STATUS_TRUE:    kplug.ConditionTrue,
	kplugv1.ConditionStatus_CONDITION_STATUS_FALSE:   kplug.ConditionFalse,
	kplugv1.ConditionStatus_CONDITION_STATUS_UNKNOWN: kplug.ConditionUnknown,
}

var policies = map[kplugv1.DependentPolicy]kplug.DependentPolicy{
	kplugv1.DependentPolicy_DEPENDENT_POLICY_CREATE_ONLY: kplug.CreateOnly,
	kplugv1.DependentPolicy_DEPENDENT_POLICY_RECREATE:    kplug.Recreate,
	kplugv1.DependentPolicy_DEPENDENT_POLICY_OBSERVE:     kplug.Observe,
}

// shortName returns the kind and name of a key, as Kind/name; empty for the base.
func shortName(key string) string {
	parts := strings.Split(key, "/")
	if len(parts) < 5 {
		return key
	}
	return parts[2] + "/" + parts[4]
}
