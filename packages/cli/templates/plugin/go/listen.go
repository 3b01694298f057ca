package main

import (
	"net"
	"strings"
)

// listen listens on bindAddress, and returns the address to register. By default it listens on a free port: of the loopback interface
// if the controller is on it, else of all interfaces.
func listen(bindAddress, controller string) (net.Listener, string, error) {
	host, _, _ := net.SplitHostPort(controller)
	ip := net.ParseIP(host)
	local := host == "localhost" || strings.HasPrefix(host, "127.") || ip.IsLoopback()
	switch {
	case bindAddress != "":
		local = false
	case local && host == "::1":
		bindAddress = "[::1]:0"
	case local:
		bindAddress = "127.0.0.1:0"
	default:
		bindAddress = ":0"
	}
	listener, err := net.Listen("tcp", bindAddress)
	if err != nil {
		return nil, "", err
	}
	address := listener.Addr().String()
	if local {
		// Heartbeats to localhost may come from the other address family, on which this plugin does not listen.
		return listener, address, nil
	}
	_, port, err := net.SplitHostPort(address)
	return listener, ":" + port, err
}
