package session

import "strings"

// adviceOn says what to do about a failed TLS connection to the controller.
func adviceOn(err error) string {
	text := err.Error()
	for _, one := range []struct{ parts, advice string }{
		{"is valid for|not valid for any names|IP SANs", "set KPLUG_TLS_SERVER_NAME to a name in the operator's certificate"},
		{"unknown authority|incompatible key usage", "compare the file of KPLUG_TLS_CA with the CA bundle of the operator"},
		{"has expired or is not yet valid", "renew the operator's certificate, and check the clocks"},
		{"does not look like a TLS handshake|protocol version|unsupported version", "the operator does not speak TLS 1.3 at this address; check " +
			"KPLUG_CONTROLLER, or set KPLUG_INSECURE=true for an operator without TLS"},
	} {
		for part := range strings.SplitSeq(one.parts, "|") {
			if strings.Contains(text, part) {
				return one.advice
			}
		}
	}
	return ""
}
