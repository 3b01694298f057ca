package main

import (
	"fmt"
	"net"
	"strings"
)

// listen listens on bindAddress, and returns the address to register. By default it listens on a free port. Without a host, it listens on
// the loopback interface if the controller is on it, else on all interfaces.
func listen(bindAddress, controller string, security *security) (net.Listener, string, error) {
	port, isPortOnly := strings.CutPrefix(bindAddress, ":")
	if bindAddress == "" {
		port, isPortOnly = "0", true
	}
	isLocal := isPortOnly && isLoopback(controller)
	switch {
	case isLocal:
		host, _, _ := net.SplitHostPort(controller)
		if host != "::1" {
			host = "127.0.0.1"
		}
		bindAddress = net.JoinHostPort(host, port)
	case isPortOnly:
		bindAddress = ":" + port
	}
	if !security.usesTLS() && !security.insecure && !isLoopback(bindAddress) {
		return nil, "", fmt.Errorf("the plugin would accept calls on %s from other machines without TLS; set KPLUG_TLS_CA, or KPLUG_INSECURE=true, "+
			"or a loopback address as KPLUG_BIND_ADDRESS", bindAddress)
	}
	listener, err := net.Listen("tcp", bindAddress)
	if err != nil {
		return nil, "", err
	}
	address := listener.Addr().String()
	if isLocal {
		// Heartbeats to localhost may come from the other address family, on which this plugin does not listen.
		return listener, address, nil
	}
	_, port, err = net.SplitHostPort(address)
	return listener, ":" + port, err
}
