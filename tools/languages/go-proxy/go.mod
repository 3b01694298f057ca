module kplug.dev/tools/go-proxy

go 1.26.0
