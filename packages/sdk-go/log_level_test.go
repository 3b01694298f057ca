package kplug

import (
	"log/slog"
	"strings"
	"testing"
)

func levelOf(t *testing.T, plugin Plugin, level string) (*slog.Logger, error) {
	before := slog.SetLogLoggerLevel(slog.LevelInfo)
	t.Cleanup(func() { slog.SetLogLoggerLevel(before) })
	plugin, err := withLogLevel(plugin, func(string) string { return level })
	return plugin.logger(), err
}

func TestLogLevel(t *testing.T) {
	for level, want := range map[string][]bool{
		"": {false, true, true}, "debug": {true, true, true}, "info": {false, true, true}, "warn": {false, false, true}, "silent": {false, false, false},
	} {
		logger, err := levelOf(t, Plugin{}, level)
		if err != nil {
			t.Fatal(err)
		}
		for index, one := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError} {
			if got := logger.Enabled(t.Context(), one); got != want[index] {
				t.Errorf("KPLUG_LOG_LEVEL=%s: %s is enabled: %t", level, one, got)
			}
		}
	}
}

func TestAMalformedLogLevelIsAnError(t *testing.T) {
	if _, err := levelOf(t, Plugin{}, "loud"); err == nil || !strings.Contains(err.Error(), "debug, info, warn, error or silent") {
		t.Errorf("got %v", err)
	}
}

func TestALoggerOfThePluginKeepsItsLevel(t *testing.T) {
	logger, err := levelOf(t, Plugin{Logger: slog.New(slog.DiscardHandler)}, "debug")
	if err != nil || logger.Enabled(t.Context(), slog.LevelDebug) {
		t.Errorf("the level of the logger has changed, or %v", err)
	}
}
