import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ConditionStatus, PassResult, type PassSchema, PassStepKind, type PassStepSchema } from '@kplug/protocol';
import type { PassRecord, PassStep } from '../telemetry/pass-record.ts';
import { conditionStatuses } from './describe-resource.ts';
import { durationOf } from './duration-of.ts';

/** Describes a pass with its steps. */
export function describePass(pass: PassRecord): MessageInitShape<typeof PassSchema> {
  const { key, delegation, startedAt, took, waited, result, failed, plugins, ready, reason, message, attempt } = pass;
  return {
    ...{ key, delegation, attempt, plugins: [...plugins], reason, message, failed },
    startedAt: timestampFromMs(startedAt),
    took: durationOf(took),
    waited: durationOf(waited),
    result: results[result],
    ready: ready === undefined ? ConditionStatus.UNSPECIFIED : conditionStatuses[ready],
    // They are recorded as they end, and some of them overlap.
    steps: pass.steps.toSorted((a, b) => a.offset - b.offset).map(describeStep),
    traceId: pass.traceId ?? '',
  };
}

function describeStep({ kind, target, offset, took, error }: PassStep): MessageInitShape<typeof PassStepSchema> {
  const failure = error ? `${error.code}: ${error.message}` : '';
  return { kind: kinds[kind], target, offset: durationOf(offset), took: durationOf(took), error: failure };
}

const results = {
  settled: PassResult.SETTLED,
  waiting: PassResult.WAITING,
  retry: PassResult.RETRY,
  again: PassResult.AGAIN,
  stale: PassResult.STALE,
  paused: PassResult.PAUSED,
  done: PassResult.DONE,
  stopped: PassResult.UNSPECIFIED,
} as const;

const kinds = {
  gather: PassStepKind.GATHER,
  select: PassStepKind.SELECT,
  call: PassStepKind.CALL,
  write: PassStepKind.WRITE,
} as const;
