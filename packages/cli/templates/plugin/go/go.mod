module __MODULE__

go 1.26.0

require kplug.dev/sdk-go v__KPLUG_VERSION__
