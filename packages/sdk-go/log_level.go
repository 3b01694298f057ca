package kplug

import (
	"fmt"
	"log/slog"
)

// logLevels are the values of KPLUG_LOG_LEVEL, except silent.
var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// withLogLevel applies KPLUG_LOG_LEVEL to a plugin without a logger of its own.
func withLogLevel(plugin Plugin, getenv func(string) string) (Plugin, error) {
	name := getenv("KPLUG_LOG_LEVEL")
	level, isKnown := logLevels[name]
	switch {
	case name == "" || plugin.Logger != nil:
	case name == "silent":
		plugin.Logger = slog.New(slog.DiscardHandler)
	case isKnown:
		slog.SetLogLoggerLevel(level)
	default:
		return plugin, fmt.Errorf("KPLUG_LOG_LEVEL is %q; it must be debug, info, warn, error or silent", name)
	}
	return plugin, nil
}
