package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settings returns the security of variables, and the text of the error.
func settings(folder, controller string, variables ...string) (*security, string) {
	values := map[string]string{}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	found, err := securityFrom(func(name string) string { return values[name] }, folder, controller)
	if err != nil {
		return nil, err.Error()
	}
	return found, ""
}

func TestSecurityIsPlainTextOnTheLoopbackInterfaceAndTLSElsewhere(t *testing.T) {
	missing, mounted := filepath.Join(t.TempDir(), "missing"), t.TempDir()
	if err := os.WriteFile(filepath.Join(mounted, "token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, controller := range []string{"localhost:50050", "LOCALHOST:1", "127.1.2.3:1", "[::1]:1"} {
		if found, problem := settings(missing, controller); problem != "" || found.usesTLS() || found.insecure {
			t.Errorf("%s: got %+v, %s", controller, found, problem)
		}
	}
	if found, problem := settings(mounted, "kplug:50050"); problem != "" ||
		found.ca != filepath.Join(mounted, "ca.crt") || found.tokenFile != filepath.Join(mounted, "token") {
		t.Errorf("got %+v, %s", found, problem)
	}
	if found, _ := settings(mounted, "kplug:50050", "KPLUG_TOKEN=t"); found.token != "t" || found.tokenFile != "" {
		t.Errorf("got %+v", found)
	}
	if found, _ := settings(mounted, "kplug:50050", "KPLUG_INSECURE=true"); found.usesTLS() || !found.insecure {
		t.Errorf("got %+v", found)
	}
}

func TestSecurityExplainsWhatIsMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for variables, expected := range map[string]string{
		"":                                    "set KPLUG_TLS_CA to the file of the operator's CA bundle",
		"KPLUG_INSECURE=false":                "or set KPLUG_INSECURE=true for plain text",
		"KPLUG_INSECURE=yes":                  `KPLUG_INSECURE is "yes"; it must be true or false`,
		"KPLUG_TLS_CERT=a":                    "set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither",
		"KPLUG_TLS_CERT=a KPLUG_TLS_KEY=b":    "set KPLUG_TLS_CA",
		"KPLUG_TLS_SERVER_NAME=a":             "TLS needs the CA bundle",
		"KPLUG_TOKEN=a KPLUG_TOKEN_FILE=b":    "set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both",
		"KPLUG_TOKEN=ä KPLUG_INSECURE=true":   "KPLUG_TOKEN must have visible ASCII characters only",
		"KPLUG_TLS_KEY=a KPLUG_INSECURE=true": "set both",
	} {
		if _, problem := settings(missing, "kplug.example:50050", strings.Fields(variables)...); !strings.Contains(problem, expected) {
			t.Errorf("%s: got %q, want %q", variables, problem, expected)
		}
	}
}

func TestListenInPlainTextOnTheLoopbackInterfaceOnly(t *testing.T) {
	plain, insecure := &security{}, &security{insecure: true}
	for _, c := range []struct {
		security                  *security
		bind, controller, address string
	}{
		{plain, "", "localhost:1", "127.0.0.1:"},
		{plain, ":0", "127.0.0.1:1", "127.0.0.1:"},
		{plain, "127.0.0.1:0", "localhost:1", ":"},
		{plain, "0.0.0.0:0", "localhost:1", "error"},
		{plain, ":0", "kplug:1", "error"},
		{insecure, "0.0.0.0:0", "localhost:1", ":"},
		{&security{ca: "ca.crt"}, "", "kplug:1", ":"},
	} {
		listener, address, err := listen(c.bind, c.controller, c.security)
		if err != nil {
			address = "error"
			if !strings.Contains(err.Error(), "set KPLUG_TLS_CA, or KPLUG_INSECURE=true") {
				t.Errorf("got %s", err)
			}
		} else {
			host, _, _ := net.SplitHostPort(listener.Addr().String())
			if c.security == plain && !net.ParseIP(host).IsLoopback() {
				t.Errorf("%+v: listens on %s", c, host)
			}
			listener.Close()
		}
		if !strings.HasPrefix(address, c.address) {
			t.Errorf("%+v: got %s", c, address)
		}
	}
}
