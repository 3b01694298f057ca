package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	kplugv1 "example.org/sqlite-plugin/gen/kplug/v1"
)

// service implements kplug.v1.PluginService.
type service struct {
	kplugv1.UnimplementedPluginServiceServer
	registration *kplugv1.Registration
	// Directory of the SQLite files.
	directory string
	// Interval between checks for drift.
	checkInterval time.Duration
	// Image of Datasette, or empty for no dependents.
	datasetteImage string
}

// GetInfo identifies the plugin.
func (s *service) GetInfo(context.Context, *kplugv1.GetInfoRequest) (*kplugv1.GetInfoResponse, error) {
	return &kplugv1.GetInfoResponse{
		Plugin:          s.registration.Plugin,
		Version:         s.registration.Version,
		Apis:            s.registration.Apis,
		InstanceId:      s.registration.InstanceId,
		Runtime:         fmt.Sprintf("grpc-go/%s %s", grpc.Version, runtime.Version()),
		SerializesCalls: true,
	}, nil
}

// Reconcile creates or alters the table, in one transaction.
func (s *service) Reconcile(ctx context.Context, request *kplugv1.ReconcileRequest) (*kplugv1.ReconcileResponse, error) {
	response, err := s.reconcile(ctx, request)
	if err != nil {
		outcome, messages := explain(err)
		return &kplugv1.ReconcileResponse{Outcome: outcome, Messages: messages}, nil
	}
	return response, nil
}

// Finalize drops the table. Its file is kept, as it may have other tables.
func (s *service) Finalize(ctx context.Context, request *kplugv1.FinalizeRequest) (*kplugv1.FinalizeResponse, error) {
	if err := s.finalize(ctx, request); err != nil {
		outcome, messages := explain(err)
		return &kplugv1.FinalizeResponse{Outcome: outcome, Messages: messages}, nil
	}
	return &kplugv1.FinalizeResponse{Outcome: kplugv1.Outcome_OUTCOME_SUCCESS}, nil
}

func (s *service) reconcile(ctx context.Context, request *kplugv1.ReconcileRequest) (*kplugv1.ReconcileResponse, error) {
	table, err := readTable(request.Base)
	if err != nil {
		return nil, err
	}
	wanted, err := table.layout()
	if err != nil {
		return nil, err
	}
	extension, err := applyOptions(&wanted, request.Extensions)
	if err != nil {
		return nil, err
	}
	var changes []string
	var rows int64
	err = inTransaction(ctx, table.file(s.directory), func(db *database) (err error) {
		if changes, err = db.makeTable(table.name(), wanted); err == nil {
			rows, err = db.countRows(table.name())
		}
		return err
	})
	if err != nil {
		return nil, err
	}

	status, err := json.Marshal(map[string]any{
		"table": map[string]any{"database": "SQLite", "name": table.name(), "columns": wanted.Columns},
	})
	if err != nil {
		return nil, err
	}
	response := &kplugv1.ReconcileResponse{
		Outcome:      kplugv1.Outcome_OUTCOME_SUCCESS,
		BaseStatus:   status,
		RequeueAfter: durationpb.New(s.checkInterval),
	}
	if s.datasetteImage != "" {
		if response.Dependents, err = table.dependents(s.datasetteImage); err != nil {
			return nil, err
		}
	}
	if extension != "" {
		status, err := json.Marshal(map[string]any{"rows": rows, "file": table.file(s.directory)})
		if err != nil {
			return nil, err
		}
		response.ExtensionStatuses = map[string][]byte{extension: status}
	}
	if len(changes) > 0 {
		text := fmt.Sprintf("SQLite table %s: %s.", table.name(), strings.Join(changes, "; "))
		slog.Info(text)
		response.Events = []*kplugv1.Event{{Reason: "TableChanged", Message: text}}
	}
	return response, nil
}

func (s *service) finalize(ctx context.Context, request *kplugv1.FinalizeRequest) error {
	// The columns are not validated: the table must be dropped even if they were edited to invalid ones.
	table, err := readTable(request.Base)
	if err != nil {
		return err
	}
	if _, err := os.Stat(table.file(s.directory)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return inTransaction(ctx, table.file(s.directory), func(db *database) error { return db.dropTable(table.name()) })
}
