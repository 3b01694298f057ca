package kplug

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
	"kplug.dev/sdk-go/internal/security"
)

const (
	defaultController   = "localhost:50050"
	defaultDrainTimeout = 25 * time.Second
	// Controllers accept 4 MiB by default.
	defaultMaxMessageSize = 4 << 20
	defaultMaxAnswerSize  = 4 << 20
	defaultWeight         = 100
)

// Options depend on the deployment. Each one that is not set is read from its environment variable.
type Options struct {
	// Address of the controller's heartbeat service, as host:port; none for a plugin that sends no heartbeats, because the controller finds
	// it by its Service or address. KPLUG_CONTROLLER, default localhost:50050.
	Controller string
	// Address at which the controller reaches the plugin, as host:port, or :port on the host that the heartbeats come from. KPLUG_ADDRESS,
	// default the port that the plugin listens on.
	Address string
	// Address to listen on. KPLUG_BIND_ADDRESS. Default: a free port, on the loopback interface if the controller is on it and on all
	// interfaces otherwise; port 7000 if the plugin sends no heartbeats. :port chooses the port only.
	BindAddress string
	// Id of this process. KPLUG_INSTANCE_ID, default a new UUID.
	InstanceID string
	// Token that proves the plugin's identity. KPLUG_TOKEN, which the controller sets for a plugin that it starts. Default none.
	Token string
	// File with the token, read again when it changes. KPLUG_TOKEN_FILE, default /var/run/secrets/kplug/token if it exists.
	TokenFile string
	// File with the CA bundle (PEM) that verifies the controller, read again when it changes; it may appear later. KPLUG_TLS_CA, default
	// /var/run/secrets/kplug/ca.crt if the folder exists.
	TLSCA string
	// Files with the plugin's certificate and its key (PEM), read again when they change, also presented to the controller. KPLUG_TLS_CERT
	// and KPLUG_TLS_KEY, default a certificate that is made in memory, and that the plugin registers.
	TLSCert, TLSKey string
	// Name that the controller's certificate must have. KPLUG_TLS_SERVER_NAME, default the host of the controller.
	TLSServerName string
	// Plain text in both directions, on any interface. KPLUG_INSECURE, true or false, default false. Logged as a warning.
	Insecure bool
	// Weight of this instance when work is distributed, 0 to 1000. KPLUG_WEIGHT, default 100. Zero is set by the variable only.
	Weight int
	// Labels for people and tools, at most 32. KPLUG_LABELS as zone=a,tier=gold, default none.
	Labels map[string]string
	// Requested interval between heartbeats. KPLUG_HEARTBEAT_INTERVAL in milliseconds, default the controller's.
	HeartbeatInterval time.Duration
	// Requested duration of the lease after a heartbeat. KPLUG_TTL in milliseconds, default the controller's.
	TTL time.Duration
	// Longest wait for in-flight calls when the plugin stops. KPLUG_DRAIN_TIMEOUT in milliseconds, default 25 s.
	DrainTimeout time.Duration
	// Largest request that is accepted, in bytes. KPLUG_MAX_MESSAGE_SIZE, default 4 MiB.
	MaxMessageSize int
	// Largest answer that is sent, in bytes; a larger one fails its call. KPLUG_MAX_ANSWER_SIZE, default 4 MiB.
	MaxAnswerSize int
}

// settings are options with all defaults filled in.
type settings struct {
	security       security.Settings
	registration   *kplugv1.Registration
	drainTimeout   time.Duration
	maxMessageSize int
	maxAnswerSize  int
}

// readSettings fills in missing options from the environment, then from the defaults. The folder is security.Folder, except in tests.
func readSettings(o Options, getenv func(string) string, folder string) (*settings, error) {
	env := environment{getenv: getenv}
	s := &settings{
		security: security.Settings{
			Controller:  cmp.Or(o.Controller, getenv("KPLUG_CONTROLLER"), defaultController),
			BindAddress: cmp.Or(o.BindAddress, getenv("KPLUG_BIND_ADDRESS")),
			Token:       o.Token,
			TokenFile:   o.TokenFile,
			CA:          cmp.Or(o.TLSCA, getenv("KPLUG_TLS_CA")),
			Certificate: cmp.Or(o.TLSCert, getenv("KPLUG_TLS_CERT")),
			Key:         cmp.Or(o.TLSKey, getenv("KPLUG_TLS_KEY")),
			ServerName:  cmp.Or(o.TLSServerName, getenv("KPLUG_TLS_SERVER_NAME")),
			Insecure:    o.Insecure || env.boolean("KPLUG_INSECURE"),
		},
		registration: &kplugv1.Registration{
			Address:    cmp.Or(o.Address, getenv("KPLUG_ADDRESS")),
			InstanceId: cmp.Or(o.InstanceID, getenv("KPLUG_INSTANCE_ID"), newUUID()),
			Labels:     o.Labels,
			Pod:        env.pod(),
			Interval:   env.duration(o.HeartbeatInterval, "KPLUG_HEARTBEAT_INTERVAL"),
			Ttl:        env.duration(o.TTL, "KPLUG_TTL"),
			Weight:     env.weight(o.Weight),
		},
		drainTimeout:   defaultDrainTimeout,
		maxMessageSize: cmp.Or(o.MaxMessageSize, env.number("KPLUG_MAX_MESSAGE_SIZE"), defaultMaxMessageSize),
		maxAnswerSize:  cmp.Or(o.MaxAnswerSize, env.number("KPLUG_MAX_ANSWER_SIZE"), defaultMaxAnswerSize),
	}
	// An option takes precedence over both variables of the token.
	if o.Token == "" && o.TokenFile == "" {
		s.security.Token, s.security.TokenFile = getenv("KPLUG_TOKEN"), getenv("KPLUG_TOKEN_FILE")
	}
	if s.registration.Labels == nil {
		s.registration.Labels = env.labels()
	}
	if timeout := env.duration(o.DrainTimeout, "KPLUG_DRAIN_TIMEOUT"); timeout != nil {
		s.drainTimeout = timeout.AsDuration()
	}
	return s, cmp.Or(env.err, s.security.Complete(folder))
}

// environment reads environment variables, and keeps the first error.
type environment struct {
	getenv func(string) string
	err    error
}

func (e *environment) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *environment) boolean(variable string) bool {
	switch text := e.getenv(variable); text {
	case "true":
		return true
	case "", "false":
	default:
		e.fail(fmt.Errorf("%s is %q; it must be true or false", variable, text))
	}
	return false
}

func (e *environment) number(variable string) int {
	text := e.getenv(variable)
	if text == "" {
		return 0
	}
	value, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		e.fail(fmt.Errorf("%s is %q; it must be a whole number", variable, text))
	}
	return int(value)
}

// duration returns a given duration, or that of a variable in milliseconds; nil if there is none.
func (e *environment) duration(given time.Duration, variable string) *durationpb.Duration {
	if given != 0 {
		return durationpb.New(given)
	}
	if e.getenv(variable) == "" {
		return nil
	}
	return durationpb.New(time.Duration(e.number(variable)) * time.Millisecond)
}

func (e *environment) weight(given int) *uint32 {
	weight := uint32(defaultWeight)
	if given != 0 {
		weight = uint32(given)
	} else if e.getenv("KPLUG_WEIGHT") != "" {
		weight = uint32(e.number("KPLUG_WEIGHT"))
	}
	return &weight
}

// pod returns the pod of the plugin, from the downward API.
func (e *environment) pod() *kplugv1.PodReference {
	namespace, name := e.getenv("KPLUG_POD_NAMESPACE"), e.getenv("KPLUG_POD_NAME")
	if (namespace == "") != (name == "") {
		e.fail(errors.New("set both KPLUG_POD_NAMESPACE and KPLUG_POD_NAME, or neither"))
	}
	if namespace == "" || name == "" {
		return nil
	}
	return &kplugv1.PodReference{Namespace: namespace, Name: name}
}

func (e *environment) labels() map[string]string {
	labels := map[string]string{}
	for pair := range strings.SplitSeq(e.getenv("KPLUG_LABELS"), ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		if !found || strings.TrimSpace(name) == "" {
			e.fail(fmt.Errorf("KPLUG_LABELS has %q; write name=value,name=value", pair))
		}
		labels[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return labels
}

// newUUID returns a random UUID (version 4, RFC 9562).
func newUUID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
