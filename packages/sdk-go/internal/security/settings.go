// Package security protects heartbeats and calls: tokens, certificates, and the TLS of both.
package security

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// Folder is where the token and the CA bundle are mounted in the pod of a plugin.
	Folder = "/var/run/secrets/kplug"
	// NoController is the address of the controller of a plugin that sends no heartbeats.
	NoController = "none"
	// servicePort is the port of a plugin that sends no heartbeats.
	servicePort = "7000"
)

var visibleText = regexp.MustCompile(`^[\x21-\x7e]+$`)

// Settings protect heartbeats and calls. The paths are those of files that are read again when they change.
type Settings struct {
	// Address of the controller, or NoController.
	Controller string
	// Address to listen on; empty for a free port.
	BindAddress string
	// Token that proves the plugin's identity; empty if there is none, or if it is in a file.
	Token, TokenFile string
	// CA bundle of the operator; empty for plain text.
	CA string
	// Certificate and key of the plugin; empty for those made in memory.
	Certificate, Key string
	// Name expected in the operator's certificate; empty for the host of the controller.
	ServerName string
	// True if plain text is demanded on any interface.
	Insecure bool
}

// UsesTLS reports whether heartbeats and calls use TLS.
func (s *Settings) UsesTLS() bool { return s.CA != "" }

// IsHosted reports whether the operator started the plugin, and stops it when it stops itself.
func (s *Settings) IsHosted() bool { return s.Token != "" && !s.UsesTLS() }

// Complete validates the settings and fills in those that follow from others: plain text if the controller is on the loopback interface
// or the settings are insecure, otherwise TLS. It fails if TLS is needed and not configured. The folder is Folder, except in tests.
func (s *Settings) Complete(folder string) error {
	// The operator that starts a plugin itself, which its token shows, receives its heartbeats in plain text.
	isHosted := s.isLocal() && s.Token != ""
	if err := s.completeToken(folder); err != nil {
		return err
	}
	if (s.Certificate == "") != (s.Key == "") {
		return errors.New("set both KPLUG_TLS_CERT and KPLUG_TLS_KEY, or neither")
	}
	if s.Insecure {
		s.CA = ""
		return nil
	}
	if s.CA == "" && !isHosted && exists(folder) {
		s.CA = filepath.Join(folder, "ca.crt")
	}
	switch {
	case s.CA != "" && s.Controller == NoController && s.Certificate == "":
		return errors.New("a plugin that sends no heartbeats can register no certificate of its own; set KPLUG_TLS_CERT and KPLUG_TLS_KEY, or " +
			"KPLUG_INSECURE=true for plain text")
	case s.CA != "":
		return nil
	case s.Certificate != "" || s.ServerName != "":
		return errors.New("TLS needs the CA bundle of the operator as well; set KPLUG_TLS_CA")
	case s.isLocal():
		return nil
	}
	place := "the operator " + s.Controller + " is remote"
	if s.Controller == NoController {
		place = "the plugin sends no heartbeats"
	}
	return fmt.Errorf("%s, and calls need TLS: set KPLUG_TLS_CA to the file of the operator's CA bundle, mounted as %s/ca.crt by default; "+
		"or set KPLUG_INSECURE=true for plain text, which protects neither heartbeats nor calls", place, Folder)
}

func (s *Settings) completeToken(folder string) error {
	if s.Token != "" && s.TokenFile != "" {
		return errors.New("set KPLUG_TOKEN or KPLUG_TOKEN_FILE, not both")
	}
	if s.Token != "" && !visibleText.MatchString(s.Token) {
		return errors.New("KPLUG_TOKEN must have visible ASCII characters only")
	}
	if mounted := filepath.Join(folder, "token"); s.Token == "" && s.TokenFile == "" && exists(mounted) {
		s.TokenFile = mounted
	}
	return nil
}

// isLocal reports whether the operator is on the same machine.
func (s *Settings) isLocal() bool {
	if s.Controller == NoController {
		return isLoopback(s.BindAddress)
	}
	return isLoopback(s.Controller)
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
