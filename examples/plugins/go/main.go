// Command sqlite-plugin is a plugin that keeps a table in an SQLite file for each DatabaseTable. Its serverName is the name of the file.
package main

import (
	"cmp"
	"log/slog"
	"os"
	"time"

	"kplug.dev/sdk-go"
)

func main() {
	checkInterval, err := time.ParseDuration(cmp.Or(os.Getenv("DATABASE_TABLE_CHECK_INTERVAL"), "30000") + "ms")
	if err != nil {
		slog.Error("DATABASE_TABLE_CHECK_INTERVAL is invalid; write a number of milliseconds", "error", err)
		os.Exit(1)
	}
	kplug.Main(newPlugin(&tables{
		directory:      cmp.Or(os.Getenv("SQLITE_DIRECTORY"), "."),
		checkInterval:  checkInterval,
		datasetteImage: os.Getenv("DATASETTE_IMAGE"),
	}))
}

// newPlugin returns the plugin that reconciles tables.
func newPlugin(tables *tables) kplug.Plugin {
	return kplug.Plugin{
		Name:    cmp.Or(os.Getenv("PLUGIN_NAME"), "SQLite"),
		Version: cmp.Or(os.Getenv("PLUGIN_VERSION"), "1.0.0"),
		APIs: []kplug.Implementation{kplug.API[tableSpec, tableStatus]{
			Name:       "DatabaseTable",
			Version:    "1.0.0",
			Extensions: []kplug.ExtensionKind{options},
			Reconcile:  tables.reconcile,
			Finalize:   tables.finalize,
		}},
	}
}
