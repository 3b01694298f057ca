import * as grpc from '@grpc/grpc-js';
import {
  DependentPolicy,
  type FinalizeResponse,
  isServiceError,
  Outcome,
  parseJson,
  type ReconcileResponse,
  Severity,
} from '@kplug/protocol';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Describes an answer or an error in one line. */
export function describeAnswer(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  if (isServiceError(answer)) return `${grpc.status[answer.code] ?? answer.code}: ${answer.details}`;
  if (answer instanceof Error) return answer.message;
  const { outcome, messages } = answer as ReconcileResponse | FinalizeResponse;
  const name = nameOf(outcome);
  const error = messages.find(({ severity }) => severity === Severity.ERROR) ?? messages[0];
  return error ? `${name} (${error.reason}: ${error.text})` : name;
}

/** Returns the name of an outcome, or its number if it has none. */
export function nameOf(outcome: Outcome): string {
  return Object.entries(Outcome).find(([, value]) => value === outcome)?.[0] ?? String(outcome);
}

/** Returns the statuses of an answer and its conditions by type, for comparison. */
export function stateOf({ baseStatus, extensionStatuses, conditions }: ReconcileResponse): object {
  const statuses = Object.entries(extensionStatuses).map(([key, status]) => [key, readStatus(status)] as const);
  return {
    base: baseStatus && readStatus(baseStatus),
    extensions: Object.fromEntries(statuses),
    conditions: Object.fromEntries(
      conditions.map(({ type, status, reason, message }) => [type, { status, reason, message }]),
    ),
  };
}

/** Returns the dependents of an answer by name, with their rules and, unless they are only created, their manifests. */
export function dependentsOf({ dependents }: ReconcileResponse): object {
  const { items = [], rules = {} } = dependents ?? {};
  const entries = items.map((item, index) => {
    const manifest = readStatus(item);
    const { apiVersion, kind, metadata } = manifest as {
      apiVersion?: string;
      kind?: string;
      metadata?: { name?: string };
    };
    const group = apiVersion?.includes('/') ? `.${apiVersion.split('/')[0]}` : '';
    const name = `${kind}${group}/${metadata?.name}`;
    const known = rules[name] ?? rules[`${kind}/${metadata?.name}`];
    const isCreated = known?.policy === DependentPolicy.CREATE_ONLY;
    return [name, { index, rules: known, ...(!isCreated && { manifest }) }] as const;
  });
  return Object.fromEntries(entries);
}

/** Parses a status. Returns a text for one that is not JSON, so that it can be compared and printed. */
export function readStatus(status: Uint8Array): unknown {
  try {
    return parseJson(decoder.decode(status));
  } catch {
    return `not JSON in UTF-8: ${Buffer.from(status).toString('latin1').slice(0, 100)}`;
  }
}
