package security

import (
	"fmt"
	"net"
	"strings"
)

// Listen listens on the bind address, and returns the address to register. By default it listens on a free port, or on port 7000 if the
// plugin sends no heartbeats. Without a host, it listens on the loopback interface if the controller is on it, else on all interfaces.
func (s *Settings) Listen() (net.Listener, string, error) {
	bindAddress := s.BindAddress
	port, isPortOnly := strings.CutPrefix(bindAddress, ":")
	if bindAddress == "" {
		port, isPortOnly = "0", true
		if s.Controller == NoController {
			port = servicePort
		}
	}
	isLocal := isPortOnly && isLoopback(s.Controller)
	switch {
	case isLocal:
		host, _, _ := net.SplitHostPort(s.Controller)
		if host != "::1" {
			host = "127.0.0.1"
		}
		bindAddress = net.JoinHostPort(host, port)
	case isPortOnly:
		bindAddress = ":" + port
	}
	if !s.UsesTLS() && !s.Insecure && !isLoopback(bindAddress) {
		return nil, "", fmt.Errorf("the plugin would accept calls on %s from other machines without TLS; set KPLUG_TLS_CA, or KPLUG_INSECURE=true, "+
			"or a loopback address as KPLUG_BIND_ADDRESS", bindAddress)
	}
	listener, err := net.Listen("tcp", bindAddress)
	if err != nil {
		return nil, "", fmt.Errorf("the plugin can't listen on %s: %w; stop the process that listens there, or set KPLUG_BIND_ADDRESS",
			bindAddress, err)
	}
	address := listener.Addr().String()
	if isLocal {
		// Heartbeats to localhost may come from the other address family, on which this plugin does not listen.
		return listener, address, nil
	}
	_, port, err = net.SplitHostPort(address)
	return listener, ":" + port, err
}
