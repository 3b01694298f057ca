"""The protocol `kplug.v1`: messages and services, generated from `proto/kplug/v1`."""
