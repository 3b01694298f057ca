package kplug

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// settingsOf reads the settings of options and variables.
func settingsOf(t *testing.T, o Options, variables ...string) (*settings, error) {
	values := map[string]string{}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	return readSettings(o, func(name string) string { return values[name] }, filepath.Join(t.TempDir(), "missing"))
}

func TestOptionsTakePrecedenceOverTheEnvironment(t *testing.T) {
	found, err := settingsOf(t, Options{Controller: "127.0.0.1:1", Token: "option", DrainTimeout: time.Second, Labels: map[string]string{"a": "b"}},
		"KPLUG_CONTROLLER=127.0.0.1:2", "KPLUG_TOKEN_FILE=file", "KPLUG_DRAIN_TIMEOUT=7", "KPLUG_LABELS=c=d")
	if err != nil || found.security.Controller != "127.0.0.1:1" || found.security.Token != "option" || found.security.TokenFile != "" ||
		found.drainTimeout != time.Second || found.registration.Labels["a"] != "b" {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestOptionsComeFromTheEnvironment(t *testing.T) {
	found, err := settingsOf(t, Options{}, "KPLUG_INSTANCE_ID=i", "KPLUG_ADDRESS=a:1", "KPLUG_POD_NAMESPACE=n", "KPLUG_POD_NAME=p", "KPLUG_WEIGHT=0",
		"KPLUG_LABELS=zone=a, tier = gold,", "KPLUG_HEARTBEAT_INTERVAL=500", "KPLUG_TTL=2000", "KPLUG_MAX_MESSAGE_SIZE=9", "KPLUG_MAX_ANSWER_SIZE=8")
	if err != nil {
		t.Fatal(err)
	}
	r := found.registration
	if r.InstanceId != "i" || r.Address != "a:1" || r.Pod.GetName() != "p" || r.GetWeight() != 0 || r.Labels["tier"] != "gold" || len(r.Labels) != 2 ||
		r.Interval.AsDuration() != 500*time.Millisecond || r.Ttl.AsDuration() != 2*time.Second || found.maxMessageSize != 9 || found.maxAnswerSize != 8 {
		t.Errorf("got %+v", found)
	}
}

func TestOptionsHaveDefaults(t *testing.T) {
	found, err := settingsOf(t, Options{})
	other, _ := settingsOf(t, Options{})
	if err != nil || found.security.Controller != "localhost:50050" || found.drainTimeout != 25*time.Second || found.registration.GetWeight() != 100 ||
		found.maxAnswerSize != 4<<20 || found.registration.Interval != nil || found.registration.Pod != nil {
		t.Errorf("got %+v, %v", found, err)
	}
	if id := found.registration.InstanceId; len(id) != 36 || id == other.registration.InstanceId {
		t.Errorf("got %s", id)
	}
}

func TestInvalidVariablesAreRefused(t *testing.T) {
	for variable, expected := range map[string]string{
		"KPLUG_INSECURE=yes":       `KPLUG_INSECURE is "yes"; it must be true or false`,
		"KPLUG_DRAIN_TIMEOUT=5s":   `KPLUG_DRAIN_TIMEOUT is "5s"; it must be a whole number`,
		"KPLUG_WEIGHT=-1":          `KPLUG_WEIGHT is "-1"; it must be a whole number`,
		"KPLUG_POD_NAME=p":         "set both KPLUG_POD_NAMESPACE and KPLUG_POD_NAME, or neither",
		"KPLUG_LABELS=a":           `KPLUG_LABELS has "a"; write name=value,name=value`,
		"KPLUG_CONTROLLER=there:1": "set KPLUG_TLS_CA",
	} {
		if _, err := settingsOf(t, Options{}, variable); err == nil || !strings.Contains(err.Error(), expected) {
			t.Errorf("%s: got %v, want %s", variable, err, expected)
		}
	}
}
