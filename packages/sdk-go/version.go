package kplug

// version is the version of this module, which the plugin reports as its runtime.
const version = "0.0.0"
