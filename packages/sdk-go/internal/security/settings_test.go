package security

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// completed returns completed settings, and the text of the error.
func completed(folder string, given Settings) (Settings, string) {
	if err := given.Complete(folder); err != nil {
		return given, err.Error()
	}
	return given, ""
}

func TestSettingsArePlainTextOnTheLoopbackInterfaceAndTLSElsewhere(t *testing.T) {
	missing, mounted := filepath.Join(t.TempDir(), "missing"), t.TempDir()
	if err := os.WriteFile(filepath.Join(mounted, "token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, controller := range []string{"localhost:50050", "LOCALHOST:1", "127.1.2.3:1", "[::1]:1"} {
		if found, problem := completed(missing, Settings{Controller: controller}); problem != "" || found.UsesTLS() || found.Insecure {
			t.Errorf("%s: got %+v, %s", controller, found, problem)
		}
	}
	if found, problem := completed(mounted, Settings{Controller: "kplug:50050"}); problem != "" ||
		found.CA != filepath.Join(mounted, "ca.crt") || found.TokenFile != filepath.Join(mounted, "token") {
		t.Errorf("got %+v, %s", found, problem)
	}
	if found, _ := completed(mounted, Settings{Controller: "kplug:50050", Token: "t"}); found.Token != "t" || found.TokenFile != "" {
		t.Errorf("got %+v", found)
	}
	if found, _ := completed(mounted, Settings{Controller: "kplug:50050", Insecure: true}); found.UsesTLS() {
		t.Errorf("got %+v", found)
	}
	// A token and a loopback controller show that the operator has started the plugin.
	if found, problem := completed(mounted, Settings{Controller: "127.0.0.1:50050", Token: "t"}); found.UsesTLS() || !found.IsHosted() {
		t.Errorf("got %+v, %s", found, problem)
	}
}

func TestSettingsExplainWhatIsMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for expected, given := range map[string]Settings{
		"set KPLUG_TLS_CA to the file of the operator's CA bundle": {},
		"or set KPLUG_INSECURE=true for plain text":                {},
		"set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither":    {Certificate: "a"},
		"set both":                                              {Key: "a", Insecure: true},
		"as well; set KPLUG_TLS_CA":                             {Certificate: "a", Key: "b"},
		"TLS needs the CA bundle":                               {ServerName: "a"},
		"set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both":         {Token: "a", TokenFile: "b"},
		"KPLUG_TOKEN must have visible ASCII characters only":   {Token: "ä", Insecure: true},
		"the plugin sends no heartbeats, and calls need TLS":    {Controller: NoController},
		"can register no certificate of its own; set KPLUG_TLS": {Controller: NoController, CA: "ca.crt"},
	} {
		if given.Controller == "" {
			given.Controller = "kplug.example:50050"
		}
		if _, problem := completed(missing, given); !strings.Contains(problem, expected) {
			t.Errorf("%+v: got %q, want %q", given, problem, expected)
		}
	}
}

func TestListenInPlainTextOnTheLoopbackInterfaceOnly(t *testing.T) {
	for _, c := range []struct {
		settings Settings
		address  string
	}{
		{Settings{Controller: "localhost:1"}, "127.0.0.1:"},
		{Settings{BindAddress: ":0", Controller: "127.0.0.1:1"}, "127.0.0.1:"},
		{Settings{BindAddress: "127.0.0.1:0", Controller: "localhost:1"}, ":"},
		{Settings{BindAddress: "0.0.0.0:0", Controller: "localhost:1"}, "error"},
		{Settings{BindAddress: ":0", Controller: "kplug:1"}, "error"},
		{Settings{BindAddress: "0.0.0.0:0", Controller: "localhost:1", Insecure: true}, ":"},
		{Settings{Controller: "kplug:1", CA: "ca.crt"}, ":"},
	} {
		listener, address, err := c.settings.Listen()
		if err != nil {
			address = "error"
			if !strings.Contains(err.Error(), "set KPLUG_TLS_CA, or KPLUG_INSECURE=true") {
				t.Errorf("got %s", err)
			}
		} else {
			host, _, _ := net.SplitHostPort(listener.Addr().String())
			if !c.settings.Insecure && !c.settings.UsesTLS() && !net.ParseIP(host).IsLoopback() {
				t.Errorf("%+v: listens on %s", c, host)
			}
			listener.Close()
		}
		if !strings.HasPrefix(address, c.address) {
			t.Errorf("%+v: got %s", c, address)
		}
	}
}
