package kplug

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

type greeting struct {
	Who      string `json:"who"`
	Language string `json:"language"`
}

func (g greeting) Validate() error {
	if g.Who == "" {
		return errors.New(".spec.who: is required")
	}
	return nil
}

type greetingStatus struct {
	Text  string `json:"text"`
	Count int64  `json:"count,omitempty"`
}

type style struct {
	Loud bool `json:"loud"`
}

type styleStatus struct {
	Applied bool `json:"applied"`
}

type (
	call       = Call[greeting, greetingStatus]
	finalCall  = FinalizeCall[greeting, greetingStatus]
	result     = Result[greetingStatus]
	reconciler = ReconcileFunc[greeting, greetingStatus]
)

const styleKey = "example.org/v1/GreetingStyle/default/loud"

var styles = Extension[style, styleStatus]{Kind: "GreetingStyle.example.org", Strict: true}

// greeter returns an implementation that others change.
func greeter(reconcile reconciler) API[greeting, greetingStatus] {
	return API[greeting, greetingStatus]{
		Name: "Greeting", Version: "1.0.0", Reconcile: reconcile, Extensions: []ExtensionKind{styles},
	}
}

func serviceOf(t *testing.T, apis ...Implementation) kplugv1.PluginServiceServer {
	t.Helper()
	plugin := Plugin{Name: "Greeter", Version: "1.0.0", APIs: apis, Logger: slog.New(slog.DiscardHandler)}
	service, err := NewService(plugin)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func resource(json string) *kplugv1.Resource { return &kplugv1.Resource{Json: []byte(json)} }

func world() *kplugv1.Resource {
	return resource(`{"apiVersion":"example.org/v1","kind":"Greeting","metadata":{"name":"world","namespace":"default","uid":"u","generation":3},
		"spec":{"who":"World","language":"en"},"status":{"text":"before","count":9007199254740993}}`)
}

func loud(spec string) map[string]*kplugv1.Resource {
	return map[string]*kplugv1.Resource{
		styleKey: resource(`{"apiVersion":"example.org/v1","kind":"GreetingStyle","metadata":{"name":"loud"},"spec":` + spec + `}`),
	}
}

// reconcile makes one call.
func reconcile(t *testing.T, function reconciler, request *kplugv1.ReconcileRequest) *kplugv1.ReconcileResponse {
	t.Helper()
	response, err := serviceOf(t, greeter(function)).Reconcile(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// returning is a function with a result.
func returning(r *result) reconciler {
	return func(context.Context, *call) (*result, error) { return r, nil }
}

// failing is a function with an error.
func failing(err error) reconciler {
	return func(context.Context, *call) (*result, error) { return nil, err }
}

// summary describes an answer: its outcome, and its messages.
func summary(response interface {
	GetOutcome() kplugv1.Outcome
	GetMessages() []*kplugv1.Message
}) string {
	text := strings.TrimPrefix(response.GetOutcome().String(), "OUTCOME_")
	for _, message := range response.GetMessages() {
		text += fmt.Sprintf("; %s: %s", message.Reason, message.Text)
		if message.Target != "" {
			text += " (" + message.Target + ")"
		}
	}
	return text
}

func TestReconcileGetsTypedResourcesAndReturnsTypedStatuses(t *testing.T) {
	function := func(_ context.Context, c *call) (*result, error) {
		extension := styles.First(c.Extensions)
		if extension == nil || !extension.Spec.Loud || len(styles.All(c.Extensions)) != 1 {
			t.Errorf("got the extension %+v", extension)
		}
		if c.Base.Metadata.Generation != 3 || c.Base.Status.Count != 9007199254740993 || c.Attempt != 2 || c.Assignment.API != "Greeting" {
			t.Errorf("got the call %+v", c)
		}
		return &result{
			Status:     &greetingStatus{Text: "Hello, " + c.Base.Spec.Who + "!"},
			Extensions: []ExtensionStatus{extension.WithStatus(styleStatus{Applied: true})},
			Conditions: []Condition{{Type: "Greeted", Status: ConditionTrue, Reason: "Done"}},
			Messages:   []Message{{Severity: SeverityWarning, Reason: "Loud", Text: "it is loud", Target: extension}},
			Events:     []Event{{Reason: "Greeted", Message: "greeted"}, {Warning: true, Reason: "Loud", Target: extension}},

			RequeueAfter: time.Minute,
			ValidFor:     time.Hour,
		}, nil
	}
	response := reconcile(t, function, &kplugv1.ReconcileRequest{
		Base: world(), Extensions: loud(`{"loud":true}`), Context: &kplugv1.CallContext{Attempt: 2},
		Assignment: &kplugv1.Assignment{Api: "Greeting", ApiVersion: "1.0.0"},
	})
	if got := summary(response); got != "SUCCESS; Loud: it is loud ("+styleKey+")" {
		t.Error(got)
	}
	if string(response.BaseStatus) != `{"text":"Hello, World!"}` || string(response.ExtensionStatuses[styleKey]) != `{"applied":true}` {
		t.Errorf("got %s, %s", response.BaseStatus, response.ExtensionStatuses)
	}
	if response.Events[1].Type != kplugv1.EventType_EVENT_TYPE_WARNING || response.Events[1].Target != styleKey ||
		response.RequeueAfter.AsDuration() != time.Minute || response.ValidFor.AsDuration() != time.Hour ||
		response.Conditions[0].Status != kplugv1.ConditionStatus_CONDITION_STATUS_TRUE || response.Dependents != nil {
		t.Errorf("got %v", response)
	}
}

func TestReconcileWithoutAResultIsASuccess(t *testing.T) {
	if response := reconcile(t, returning(nil), &kplugv1.ReconcileRequest{Base: world()}); summary(response) != "SUCCESS" ||
		response.BaseStatus != nil {
		t.Error(response)
	}
}

func TestFailuresSayWhatWentWrongAndWhetherToRetry(t *testing.T) {
	terminal := Terminal("UnknownLanguage", "unknown language %q", "tlh")
	for _, c := range []struct {
		err      error
		expected string
	}{
		{terminal, `TERMINAL; UnknownLanguage: unknown language "tlh"`},
		{fmt.Errorf("greeting: %w", terminal), `TERMINAL; UnknownLanguage: greeting: unknown language "tlh"`},
		{Retry("Starting", "%w", context.DeadlineExceeded), "RETRY; Starting: context deadline exceeded"},
		{errors.New("no route to host"), "RETRY; PluginError: no route to host"},
		{errors.Join(terminal.WithTarget(targetKey("x")), Retry("Starting", "wait")),
			`TERMINAL; UnknownLanguage: unknown language "tlh" (x); Starting: wait`},
		{fmt.Errorf("%w, %w", Retry("Starting", "wait"), errors.New("again")), "RETRY; Starting: wait, again"},
		{errors.New("\xff"), "RETRY; PluginError: \uFFFD"},
	} {
		if got := summary(reconcile(t, failing(c.err), &kplugv1.ReconcileRequest{Base: world()})); got != c.expected {
			t.Errorf("got %s, want %s", got, c.expected)
		}
	}
	response := reconcile(t, failing(Retry("Starting", "wait").WithDelay(2*time.Second)), &kplugv1.ReconcileRequest{Base: world()})
	if response.RetryAfter.AsDuration() != 2*time.Second {
		t.Error(response)
	}
	if !errors.Is(Retry("Starting", "%w", context.Canceled), context.Canceled) {
		t.Error("the wrapped error is lost")
	}
	long := reconcile(t, failing(errors.New(strings.Repeat("ä", maxTextLength))), &kplugv1.ReconcileRequest{Base: world()})
	if text := long.Messages[0].Text; len(text) > maxTextLength || !strings.HasSuffix(text, "ä…") {
		t.Errorf("got %d bytes", len(text))
	}
}

func TestAPanicFailsItsCallOnly(t *testing.T) {
	panics := true
	service := serviceOf(t, greeter(func(context.Context, *call) (*result, error) {
		if panics {
			panic("out of paint")
		}
		return nil, nil
	}))
	for _, expected := range []string{"RETRY; PluginError: panic: out of paint", "SUCCESS"} {
		// The lock of the resource was released.
		if response, err := service.Reconcile(t.Context(), &kplugv1.ReconcileRequest{Base: world()}); err != nil || summary(response) != expected {
			t.Errorf("got %v, %v", response, err)
		}
		panics = false
	}
}

func TestInvalidResourcesAreNotReconciled(t *testing.T) {
	function := func(context.Context, *call) (*result, error) {
		t.Error("was called")
		return nil, nil
	}
	base := func(spec string) *kplugv1.Resource {
		return resource(`{"kind":"Greeting","metadata":{"name":"world"},"spec":` + spec + `}`)
	}
	for _, c := range []struct {
		request  *kplugv1.ReconcileRequest
		expected string
	}{
		{&kplugv1.ReconcileRequest{}, "TERMINAL; InvalidSpec: the resource is malformed: the resource is missing"},
		{&kplugv1.ReconcileRequest{Base: resource("{")}, "TERMINAL; InvalidSpec: the resource is malformed: unexpected EOF"},
		{&kplugv1.ReconcileRequest{Base: resource("7")}, "TERMINAL; InvalidSpec: the resource is malformed: json: cannot"},
		{&kplugv1.ReconcileRequest{Base: base(`{"who":7}`)}, "TERMINAL; InvalidSpec: Greeting world is invalid: .spec.who: must be string, but is number"},
		{&kplugv1.ReconcileRequest{Base: base(`{}`)}, "TERMINAL; InvalidSpec: Greeting world is invalid: .spec.who: is required"},
		{&kplugv1.ReconcileRequest{Base: base(`{}`), Extensions: loud(`{"loudness":7}`)}, "TERMINAL; InvalidSpec: Greeting world is invalid: " +
			".spec.who: is required; InvalidSpec: GreetingStyle loud is invalid: .spec: json: unknown field \"loudness\" (" + styleKey + ")"},
		{&kplugv1.ReconcileRequest{Base: world(), Assignment: &kplugv1.Assignment{Api: "Farewell"}},
			`TERMINAL; UnknownApi: this plugin doesn't implement the API "Farewell"`},
	} {
		if got := summary(reconcile(t, function, c.request)); !strings.HasPrefix(got, c.expected) {
			t.Errorf("got %s, want %s", got, c.expected)
		}
	}
}

func TestStatusesOfAnotherPluginAreIgnored(t *testing.T) {
	function := func(_ context.Context, c *call) (*result, error) {
		if c.Base.Status != (greetingStatus{}) {
			t.Errorf("got %+v", c.Base.Status)
		}
		return nil, nil
	}
	base := resource(`{"metadata":{},"spec":{"who":"World"},"status":{"text":"other","count":"many"}}`)
	if got := summary(reconcile(t, function, &kplugv1.ReconcileRequest{Base: base})); got != "SUCCESS" {
		t.Error(got)
	}
}

func TestObjectsKeepLargeIntegers(t *testing.T) {
	api := API[Object, Object]{Name: "Any", Version: "1.0.0", Reconcile: func(_ context.Context, c *Call[Object, Object]) (*Result[Object], error) {
		return &Result[Object]{Status: &c.Base.Spec}, nil
	}}
	spec := `{"large":9007199254740993,"real":1.5}`
	response, err := serviceOf(t, api).Reconcile(t.Context(), &kplugv1.ReconcileRequest{Base: resource(`{"spec":` + spec + `}`)})
	if err != nil || string(response.BaseStatus) != spec {
		t.Errorf("got %s, %v", response.GetBaseStatus(), err)
	}
}

func TestAnswersThatControllersRefuseAreNotSent(t *testing.T) {
	for expected, given := range map[string]*result{
		"RETRY; AnswerTooLarge: the answer has 65 conditions; at most 64 can be sent":  {Conditions: make([]Condition, maxConditions+1)},
		"RETRY; AnswerTooLarge: the answer has 101 messages; at most 100 can be sent":  {Messages: make([]Message, maxMessages+1)},
		"RETRY; AnswerTooLarge: the answer has 101 Events; at most 100 can be sent":    {Events: make([]Event, maxEvents+1)},
		"RETRY; AnswerTooLarge: the answer has 4194":                                   {Status: &greetingStatus{Text: strings.Repeat("a", 4<<20)}},
		`RETRY; PluginError: the severity of a message is "Fatal"; use Info, Warning`:  {Messages: []Message{{Severity: "Fatal"}}},
		"RETRY; PluginError: the plugin returned a status, message or Event for other": {Events: []Event{{Target: targetKey("other")}}},
	} {
		for index := range given.Conditions {
			given.Conditions[index].Status = ConditionUnknown
		}
		if got := summary(reconcile(t, returning(given), &kplugv1.ReconcileRequest{Base: world()})); !strings.HasPrefix(got, expected) {
			t.Errorf("got %.200s, want %s", got, expected)
		}
	}
	for _, status := range []any{math.NaN(), "text", nil, Object(nil), make(chan int)} {
		if encoded, err := encodeObject("the status", status); err == nil {
			t.Errorf("%v: got %s", status, encoded)
		}
	}
}

func TestProgressIsReportedAndBroughtBack(t *testing.T) {
	percentage := 40
	response := reconcile(t, returning(&result{
		Progress: &Progress{Percentage: &percentage, Message: "copied 2 of 5", Token: "backup-7", After: time.Second}, ValidFor: time.Hour,
	}), &kplugv1.ReconcileRequest{Base: world()})
	if got := summary(response); got != "RETRY; InProgress: 40 % done: copied 2 of 5" {
		t.Error(got)
	}
	if response.Progress.Token != "backup-7" || response.RetryAfter.AsDuration() != time.Second || response.ValidFor != nil {
		t.Error(response)
	}
	var operation *Operation
	reconcile(t, func(_ context.Context, c *call) (*result, error) {
		operation = c.Operation
		return nil, nil
	}, &kplugv1.ReconcileRequest{Base: world(), Operation: &kplugv1.Operation{Progress: response.Progress, Generation: 2, Cancelled: true}})
	if operation == nil || *operation.Percentage != 40 || operation.Token != "backup-7" || operation.Generation != 2 || !operation.Cancelled {
		t.Errorf("got %+v", operation)
	}
	percentage = 101
	invalid := reconcile(t, returning(&result{Progress: &Progress{Percentage: &percentage}}), &kplugv1.ReconcileRequest{Base: world()})
	if got := summary(invalid); !strings.HasPrefix(got, "RETRY; PluginError: the plugin returned the percentage 101") {
		t.Error(got)
	}
}

func TestRequiredResources(t *testing.T) {
	function := func(_ context.Context, c *call) (*result, error) {
		answer := &result{Require: map[string]Requirement{"plan": {APIVersion: "v1", Kind: "ConfigMap", Name: "small"}}}
		if !c.Required.Has("plan") {
			return answer, nil
		}
		var plan struct{ Data map[string]string }
		if err := c.Required.First("plan").Decode(&plan); err != nil {
			return nil, err
		}
		answer.Status = &greetingStatus{Text: plan.Data["size"]}
		return answer, nil
	}
	request := &kplugv1.ReconcileRequest{Base: world()}
	if got := summary(reconcile(t, function, request)); !strings.HasPrefix(got, "TERMINAL; RequirementsUnsupported") {
		t.Error(got)
	}
	request.Context = &kplugv1.CallContext{SupportsRequirements: true}
	if response := reconcile(t, function, request); response.Requirements["plan"].GetName() != "small" {
		t.Error(response)
	}
	found := &kplugv1.RequiredResources{Items: []*kplugv1.Resource{resource(`{"kind":"ConfigMap","metadata":{"name":"small"},"data":{"size":"1Gi"}}`)}}
	request.Required = map[string]*kplugv1.RequiredResources{"plan": found}
	if response := reconcile(t, function, request); string(response.BaseStatus) != `{"text":"1Gi"}` || len(response.Requirements) != 1 {
		t.Error(response)
	}
}

func TestFinalizeGetsInvalidResourcesToo(t *testing.T) {
	api := greeter(returning(nil))
	service := serviceOf(t, api)
	request := &kplugv1.FinalizeRequest{
		Base:  resource(`{"kind":"Greeting","metadata":{"name":"world"},"spec":{"language":7,"who":"World"}}`),
		Cause: kplugv1.FinalizeCause_FINALIZE_CAUSE_HANDED_OVER,
	}
	if response, err := service.Finalize(t.Context(), request); err != nil || summary(response) != "SUCCESS" {
		t.Errorf("without a function: got %v, %v", response, err)
	}
	var got *finalCall
	api.Finalize = func(_ context.Context, c *finalCall) (*FinalizeResult, error) {
		got = c
		return &FinalizeResult{Require: map[string]Requirement{"key": {APIVersion: "v1", Kind: "Secret", Name: "key"}}}, nil
	}
	request.Context = &kplugv1.CallContext{SupportsRequirements: true}
	response, err := serviceOf(t, api).Finalize(t.Context(), request)
	if err != nil || summary(response) != "RETRY; RequiresResources: the plugin requires further resources: key" {
		t.Errorf("got %v, %v", response, err)
	}
	if !got.HandedOver || got.Base.Spec.Who != "World" || got.Base.SpecError() == nil {
		t.Errorf("got %+v", got)
	}
	request.Required = map[string]*kplugv1.RequiredResources{"key": {}}
	if response, err := serviceOf(t, api).Finalize(t.Context(), request); err != nil || summary(response) != "SUCCESS" {
		t.Errorf("got %v, %v", response, err)
	}
}

func TestCapabilitiesAreCheckedBeforeACall(t *testing.T) {
	api := greeter(func(_ context.Context, c *call) (*result, error) {
		return &result{Status: &greetingStatus{Text: c.Capability.Version}}, nil
	})
	api.Provides = []ProvidedCapability{{Category: "database", Type: "postgresql", Versions: []string{"16", "17"}}}
	asked := &kplugv1.AssignedCapability{Category: "database", Type: "postgresql", Version: "17"}
	request := &kplugv1.ReconcileRequest{Base: world(), Assignment: &kplugv1.Assignment{Api: "Greeting", Capability: asked}}
	if response, _ := serviceOf(t, api).Reconcile(t.Context(), request); string(response.BaseStatus) != `{"text":"17"}` {
		t.Error(response)
	}
	asked.Version = "18"
	response, _ := serviceOf(t, api).Reconcile(t.Context(), request)
	if got := summary(response); !strings.HasPrefix(got, "TERMINAL; NoSuchVersion: the plugin provides no database/postgresql 18; it provides") {
		t.Error(got)
	}
}

func TestCallsForOneResourceRunOneAfterAnother(t *testing.T) {
	started, release := make(chan string, 3), make(chan struct{})
	service := serviceOf(t, greeter(func(ctx context.Context, c *call) (*result, error) {
		started <- c.Base.Metadata.UID
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, nil
	}))
	cancelled, cancel := context.WithCancel(t.Context())
	answers := make(chan string, 3)
	start := func(ctx context.Context, uid string) {
		go func() {
			base := resource(`{"metadata":{"uid":"` + uid + `"},"spec":{"who":"World"}}`)
			response, _ := service.Reconcile(ctx, &kplugv1.ReconcileRequest{Base: base})
			answers <- uid + " " + summary(response)
		}()
	}
	start(t.Context(), "a")
	if uid := <-started; uid != "a" {
		t.Error(uid)
	}
	start(cancelled, "a")
	start(t.Context(), "b")
	if uid := <-started; uid != "b" {
		t.Error(uid)
	}
	cancel()
	if answer := <-answers; answer != "a RETRY; PluginError: context canceled" {
		t.Error(answer)
	}
	close(release)
	for range 2 {
		if answer := <-answers; !strings.HasSuffix(answer, " SUCCESS") {
			t.Error(answer)
		}
	}
	if len(started) > 0 {
		t.Error("a call did not wait for the earlier one")
	}
}

func TestInvalidDefinitionsAreRefused(t *testing.T) {
	valid := greeter(returning(nil))
	for expected, change := range map[string]func(*Plugin, *API[greeting, greetingStatus]){
		`the plugin's name "" is malformed`:                 func(p *Plugin, _ *API[greeting, greetingStatus]) { p.Name = "" },
		`the plugin's version "1" is malformed`:             func(p *Plugin, _ *API[greeting, greetingStatus]) { p.Version = "1" },
		"the plugin implements no API":                      func(p *Plugin, _ *API[greeting, greetingStatus]) { p.APIs = []Implementation{} },
		`the API's name "a b" is malformed`:                 func(_ *Plugin, a *API[greeting, greetingStatus]) { a.Name = "a b" },
		`the version "v1" of the API Greeting is malformed`: func(_ *Plugin, a *API[greeting, greetingStatus]) { a.Version = "v1" },
		"the API Greeting has no Reconcile":                 func(_ *Plugin, a *API[greeting, greetingStatus]) { a.Reconcile = nil },
		"an extension of the API Greeting has no kind": func(_ *Plugin, a *API[greeting, greetingStatus]) {
			a.Extensions = []ExtensionKind{Extension[style, style]{}}
		},
		"the API Greeting@1.0.0 is implemented twice":            func(p *Plugin, _ *API[greeting, greetingStatus]) { p.APIs = []Implementation{valid, valid} },
		`the capability "a/" of the API Greeting is malformed`:   provides(ProvidedCapability{Category: "a"}),
		"a/b has no versions":                                    provides(ProvidedCapability{Category: "a", Type: "b"}),
		`the version ">1" of a/b is malformed`:                   provides(ProvidedCapability{"a", "b", []string{">1"}}),
		"the API Greeting provides A/b twice; write it once, wi": provides(ProvidedCapability{"a", "b", []string{"1"}}, ProvidedCapability{"A", "b", []string{"1"}}),
	} {
		plugin, api := Plugin{Name: "Greeter", Version: "1.0.0"}, valid
		change(&plugin, &api)
		if plugin.APIs == nil {
			plugin.APIs = []Implementation{api}
		}
		if _, err := NewService(plugin); err == nil || !strings.HasPrefix(err.Error(), expected) {
			t.Errorf("got %v, want %s", err, expected)
		}
	}
}

func provides(capabilities ...ProvidedCapability) func(*Plugin, *API[greeting, greetingStatus]) {
	return func(_ *Plugin, a *API[greeting, greetingStatus]) { a.Provides = capabilities }
}

func TestDependentsAreEncodedWithRules(t *testing.T) {
	type typed struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name              string  `json:"name"`
			CreationTimestamp *string `json:"creationTimestamp"`
		} `json:"metadata"`
		Status struct{} `json:"status"`
	}
	deployment := typed{APIVersion: "apps/v1", Kind: "Deployment"}
	deployment.Metadata.Name = "a"
	secret := Object{"apiVersion": "v1", "kind": "Secret", "metadata": Object{"name": "a"}}
	response := reconcile(t, returning(&result{Dependents: []Dependent{
		{Manifest: secret, Policy: CreateOnly, Retain: true},
		{Manifest: deployment, DependsOn: []string{"Secret/a"}, ReadyWhen: "true", ReadyTimeout: time.Minute},
		{Manifest: Object{"apiVersion": "v1", "kind": "Service", "metadata": Object{"name": "a"}}},
	}}), &kplugv1.ReconcileRequest{Base: world()})
	dependents := response.GetDependents()
	if len(dependents.GetItems()) != 3 || len(dependents.Rules) != 2 {
		t.Fatal(response)
	}
	if got := string(dependents.Items[1]); got != `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"}}` {
		t.Error(got)
	}
	if rules := dependents.Rules["Secret/a"]; rules.GetPolicy() != kplugv1.DependentPolicy_DEPENDENT_POLICY_CREATE_ONLY || !rules.GetRetain() {
		t.Error(rules)
	}
	if rules := dependents.Rules["Deployment.apps/a"]; rules.GetReadyTimeout().AsDuration() != time.Minute || rules.GetDependsOn()[0] != "Secret/a" {
		t.Error(rules)
	}
	none := reconcile(t, returning(&result{Dependents: []Dependent{}}), &kplugv1.ReconcileRequest{Base: world()})
	if none.Dependents == nil || len(none.Dependents.Items) != 0 {
		t.Error("an empty list is not sent")
	}
	for expected, dependent := range map[string]Dependent{
		"a manifest has apiVersion, kind and metadata.name": {Manifest: Object{"kind": "Secret"}},
		`the policy is "Keep"; use Apply`:                   {Manifest: secret, Policy: "Keep"},
		"can't be encoded":                                  {Manifest: 7},
	} {
		got := summary(reconcile(t, returning(&result{Dependents: []Dependent{dependent}}), &kplugv1.ReconcileRequest{Base: world()}))
		if !strings.Contains(got, expected) {
			t.Errorf("got %s, want %s", got, expected)
		}
	}
}

func TestObservedDependentsAreFoundByKindAndName(t *testing.T) {
	function := func(_ context.Context, c *call) (*result, error) {
		var found struct{ Data map[string]json.Number }
		if err := c.Dependents.Find("ConfigMap", "a").Decode(&found); err != nil {
			return nil, err
		}
		if c.Dependents.Find("Secret", "a") != nil || len(c.Dependents.All()) != 1 {
			t.Error("found another one")
		}
		return &result{Status: &greetingStatus{Text: found.Data["size"].String()}}, nil
	}
	sent := map[string]*kplugv1.Resource{"v1/ConfigMap": resource(`{"kind":"ConfigMap","metadata":{"name":"a"},"data":{"size":7}}`)}
	if response := reconcile(t, function, &kplugv1.ReconcileRequest{Base: world(), Dependents: sent}); string(response.BaseStatus) != `{"text":"7"}` {
		t.Error(response)
	}
}

func TestNamesOfDependentsAreStableAndShortEnough(t *testing.T) {
	for _, c := range []struct{ base, suffix, expected string }{
		{"users", "db", "users-db"},
		{strings.Repeat("a", 60), "db", strings.Repeat("a", 60) + "-db"},
		// The same in TypeScript and Python.
		{strings.Repeat("a", 61), "db", strings.Repeat("a", 54) + "-605b2a30"},
		{strings.Repeat("a", 53) + ".b", "database", strings.Repeat("a", 53) + "-2330b093"},
	} {
		if name := NameFrom(c.base, c.suffix); name != c.expected {
			t.Errorf("got %s, want %s", name, c.expected)
		}
	}
}
