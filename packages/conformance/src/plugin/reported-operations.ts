import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type FinalizeResponse,
  type Operation,
  OperationSchema,
  Outcome,
  parseJson,
  type ReconcileResponse,
  type Resource,
} from '@kplug/protocol';

/** Method of a call. */
type Method = 'Reconcile' | 'Finalize';

/** Operations that the plugin under test reported as in progress, which its next calls bring, as those of a controller do. */
export class ReportedOperations {
  readonly #byUid = new Map<string, { method: Method; operation: Operation }>();

  /** Returns the operation that a call for a base brings. */
  find(base: Resource | undefined, method: Method): Operation | undefined {
    const found = this.#byUid.get(uidOf(base));
    return found && { ...found.operation, cancelled: found.method !== method };
  }

  /** Records an answer. */
  answered(
    base: Resource | undefined,
    method: Method,
    { progress, outcome }: ReconcileResponse | FinalizeResponse,
  ): void {
    const uid = uidOf(base);
    if (progress) {
      const startedAt = timestampFromMs(Date.now());
      this.#byUid.set(uid, { method, operation: create(OperationSchema, { progress, generation: 1n, startedAt }) });
    } else if (outcome !== Outcome.RETRY) this.#byUid.delete(uid);
  }
}

/** Returns the uid of a base; empty for one that can't be read, which some checks send. */
export function uidOf(base: Resource | undefined): string {
  try {
    const { metadata } = parseJson(Buffer.from(base?.json ?? []).toString()) as { metadata?: { uid?: string } };
    return metadata?.uid ?? '';
  } catch {
    return '';
  }
}
