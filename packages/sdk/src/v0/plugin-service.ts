import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  FinalizeRequestSchema,
  formatJson,
  type GrpcHandlers,
  Outcome,
  ReconcileRequestSchema,
  readYaml,
  serviceError,
  type v0,
} from '@kplug/protocol';
import { signalOf } from '../call-signal.ts';
import type { RegisteredApi } from '../definition.ts';
import type { FinalizeAnswer } from '../finalize-answer.ts';
import { limits } from '../limits.ts';
import type { PluginHandlers, ReconcileAnswer } from '../plugin-service.ts';

const decoder = new TextDecoder();

/** Serves `kplug.Plugin`, the service of the first Kplug, by the handlers of `kplug.v1`. */
export function v0Service(handlers: PluginHandlers, apis: readonly RegisteredApi[]): GrpcHandlers<typeof v0.Plugin> {
  // A request doesn't name its API, which is therefore known only if the plugin has just one.
  const [only, ...others] = apis;
  const assignment = only && others.length === 0 ? { api: only.name, apiVersion: only.version } : {};
  const reconcile: GrpcHandlers<typeof v0.Plugin>['create'] = async (resources, call) => {
    const request = create(ReconcileRequestSchema, { ...readResources(resources, call.metadata), assignment });
    const answer: ReconcileAnswer = await handlers.reconcile(request, signalOf(call));
    throwFailure(answer);
    return writeStatuses(answer);
  };
  return {
    create: reconcile,
    update: reconcile,
    delete: async (resources, call) => {
      const request = create(FinalizeRequestSchema, { ...readResources(resources, call.metadata), assignment });
      throwFailure(await handlers.finalize(request, signalOf(call)));
      return {};
    },
  };
}

function readResources(
  { base, references }: v0.Resources,
  metadata: grpc.Metadata,
): Pick<MessageInitShape<typeof ReconcileRequestSchema>, 'base' | 'extensions' | 'context'> {
  const extensions = Object.entries(references).map(([key, { yaml }]) => [key, readResource(yaml, key)] as const);
  return {
    base: readResource(base?.yaml ?? '', 'the base resource'),
    extensions: Object.fromEntries(extensions),
    context: {
      attempt: 1,
      traceparent: headerOf(metadata, 'traceparent'),
      tracestate: headerOf(metadata, 'tracestate'),
    },
  };
}

/** Returns a header, as the protocol of the first Kplug has no field for the context of a trace. */
function headerOf(metadata: grpc.Metadata, name: string): string {
  return metadata.get(name)[0]?.toString() ?? '';
}

function readResource(yaml: string, name: string): { json: Uint8Array } {
  const { value, fault } = readYaml(yaml, limits.v0);
  if (fault) throw serviceError(grpc.status.INVALID_ARGUMENT, `${name} is invalid YAML: ${fault.message}`);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { json: Buffer.from(formatJson(value)) };
  throw serviceError(grpc.status.INVALID_ARGUMENT, `${name} is not a YAML mapping`);
}

/** Throws a failure as a gRPC error. An operator of the first Kplug retries after any error. */
function throwFailure({ outcome, messages = [] }: FinalizeAnswer): void {
  if (outcome === Outcome.SUCCESS) return;
  const text = messages.map((message) => `${message.reason}: ${message.text}`).join('; ');
  throw serviceError(outcome === Outcome.TERMINAL ? grpc.status.FAILED_PRECONDITION : grpc.status.ABORTED, text);
}

/** Encodes statuses as JSON, which is valid YAML. An empty mapping changes nothing. */
function writeStatuses({
  baseStatus,
  extensionStatuses = {},
}: ReconcileAnswer): MessageInitShape<typeof v0.ResourcesSchema> {
  const references = Object.entries(extensionStatuses).map(([key, status]) => [key, { yaml: decoder.decode(status) }]);
  return { base: { yaml: baseStatus ? decoder.decode(baseStatus) : '{}' }, references: Object.fromEntries(references) };
}
