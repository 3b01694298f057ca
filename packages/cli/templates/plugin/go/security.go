package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// secretsFolder is the folder where the token and the CA bundle are mounted in the pod of a plugin.
const secretsFolder = "/var/run/secrets/kplug"

var visibleText = regexp.MustCompile(`^[\x21-\x7e]+$`)

// security has the settings for the protection of heartbeats and calls. The paths are those of files that are read again when they change.
type security struct {
	// Token that proves the plugin's identity; empty if there is none, or if it is in a file.
	token, tokenFile string
	// CA bundle of the operator; empty for plain text.
	ca string
	// Certificate and key of the plugin; empty for those made in memory.
	certificate, key string
	// Name expected in the operator's certificate; empty for the host of the controller.
	serverName string
	// True if plain text is demanded on any interface.
	insecure bool
}

// usesTLS reports whether heartbeats and calls use TLS.
func (s *security) usesTLS() bool { return s.ca != "" }

// isHosted reports whether the operator started the plugin, and stops it when it stops itself.
func (s *security) isHosted() bool { return s.token != "" && !s.usesTLS() }

// readSecurity reads the settings from the environment: plain text if the controller is on the loopback interface or KPLUG_INSECURE is set,
// otherwise TLS. It fails if TLS is needed and not configured.
func readSecurity(controller string) (*security, error) {
	return securityFrom(os.Getenv, secretsFolder, controller)
}

func securityFrom(getenv func(string) string, folder, controller string) (*security, error) {
	s := &security{
		token:       getenv("KPLUG_TOKEN"),
		tokenFile:   getenv("KPLUG_TOKEN_FILE"),
		ca:          getenv("KPLUG_TLS_CA"),
		certificate: getenv("KPLUG_TLS_CERT"),
		key:         getenv("KPLUG_TLS_KEY"),
		serverName:  getenv("KPLUG_TLS_SERVER_NAME"),
	}
	switch insecure := getenv("KPLUG_INSECURE"); insecure {
	case "", "false":
	case "true":
		s.insecure = true
	default:
		return nil, fmt.Errorf("KPLUG_INSECURE is %q; it must be true or false", insecure)
	}
	if err := s.completeToken(folder); err != nil {
		return nil, err
	}
	if (s.certificate == "") != (s.key == "") {
		return nil, errors.New("set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither")
	}
	if s.insecure {
		s.ca = ""
		return s, nil
	}
	if s.ca == "" && exists(folder) {
		s.ca = filepath.Join(folder, "ca.crt")
	}
	switch {
	case s.ca != "":
		return s, nil
	case s.certificate != "" || s.serverName != "":
		return nil, errors.New("TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA")
	case isLoopback(controller):
		return s, nil
	}
	return nil, fmt.Errorf("the operator %s is remote, and calls need TLS: set KPLUG_TLS_CA to the file of the operator's CA bundle, mounted as "+
		"%s/ca.crt by default; or set KPLUG_INSECURE=true for plain text, which protects neither heartbeats nor calls", controller, secretsFolder)
}

func (s *security) completeToken(folder string) error {
	if s.token != "" && s.tokenFile != "" {
		return errors.New("set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both")
	}
	if s.token != "" && !visibleText.MatchString(s.token) {
		return errors.New("KPLUG_TOKEN must have visible ASCII characters only")
	}
	if mounted := filepath.Join(folder, "token"); s.token == "" && s.tokenFile == "" && exists(mounted) {
		s.tokenFile = mounted
	}
	return nil
}

// isLoopback reports whether an address with a port is one of the loopback interface.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback())
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
