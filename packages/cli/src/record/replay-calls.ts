import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { differences, nameOf, stateOf } from '@kplug/conformance';
import type { Resource } from '@kplug/controller';
import type { PluginChannel } from '@kplug/controller/tools';
import {
  createGrpcClient,
  type FinalizeRequest,
  isServiceError,
  PluginService,
  parseJson,
  type ReconcileRequest,
} from '@kplug/protocol';
import { asReconciled, type RecordedCall, type Response, readRequest, readResponse } from './recorded-call.ts';

/** A repeated call. */
export interface ReplayedCall {
  method: RecordedCall['method'];
  /** `Kind namespace/name` of the base. */
  resource: string;
  /** Differences from the recorded answer, each as `path: before → after`. */
  differences: string[];
}

/** Repeats calls one after another and compares the answers. Rejects when a recorded call is malformed. */
export async function* replayCalls(
  calls: readonly RecordedCall[],
  address: string,
  timeout: number,
  { credentials, options }: PluginChannel,
): AsyncGenerator<ReplayedCall> {
  const client = createGrpcClient(PluginService, address, credentials, options);
  try {
    for (const call of calls) {
      const request = readRequest(call.method, call.request);
      const deadline = Date.now() + timeout;
      const renewed = { ...request, context: { ...request.context, deadline: timestampFromMs(deadline) } };
      const answer = await (call.method === 'Reconcile'
        ? client.reconcile(renewed as ReconcileRequest, { deadline })
        : client.finalize(renewed as FinalizeRequest, { deadline })
      ).then(viewOf, viewOfError);
      const before =
        call.response === undefined ? viewOfRecordedError(call) : viewOf(readResponse(call.method, call.response));
      yield { method: call.method, resource: nameBase(request.base?.json), differences: differences(before, answer) };
    }
  } finally {
    client.$client.close();
  }
}

/** Returns the fields of an answer that are compared. */
function viewOf(response: Response): object {
  const reconciled = asReconciled(response);
  const { outcome, messages, events } = reconciled;
  const plain = ({ $typeName: _, ...rest }: { $typeName: string }) => rest;
  return { outcome: nameOf(outcome), ...stateOf(reconciled), messages: messages.map(plain), events: events.map(plain) };
}

function viewOfError(error: unknown): object {
  if (!isServiceError(error)) throw error;
  return { error: grpc.status[error.code], message: error.details };
}

function viewOfRecordedError({ error }: RecordedCall): object {
  return { error: grpc.status[error?.code ?? grpc.status.UNKNOWN], message: error?.message };
}

function nameBase(json: Uint8Array | undefined): string {
  try {
    const { kind, metadata } = parseJson(Buffer.from(json ?? []).toString()) as Resource;
    return `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;
  } catch {
    return 'a base that is not JSON';
  }
}
