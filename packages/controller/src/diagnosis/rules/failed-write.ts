import { reasonOf } from '../../delegation/states/base-state.ts';
import type { WriteFailure } from '../../delegation/writes/write-failure.ts';
import { describeKey, keyOf } from '../../resources/resource.ts';
import type { Case, Finding } from '../finding.ts';
import { describeRight } from './missing-right.ts';

/** How a message says that a schema refuses a content: what of which kind, the remedy, and the fields. */
const refusedBySchema =
  /^(?<what>.+?) of (?<kind>\S+) (?<name>\S+) can't be written: it does not match the schema of the kind(?<undeclared>;[^:]+)?: (?<fields>.+)$/s;

/** A write for the resource failed, or the resource waits as writes for others did. */
export function failedWrite({ known: { base, delegation } }: Case): Finding | undefined {
  const key = keyOf(base);
  const failure = delegation.writeFailureOf(key);
  if (!failure) return undefined;
  const finding = describeRight(failure.message) ?? describeRefusal(failure) ?? describeFailure(failure);
  if (failure.key === key) return finding;
  const other = describeKey(failure.key);
  return { ...finding, details: [`The resource waits, as writes failed for several others, such as ${other}`] };
}

function describeRefusal({ message }: WriteFailure): Finding | undefined {
  const { what, kind, name, undeclared, fields } = refusedBySchema.exec(message)?.groups ?? {};
  if (what === undefined) return undefined;
  const definition = `the CustomResourceDefinition of ${kind}`;
  const summary = `${definition[0]?.toUpperCase()}${definition.slice(1)} refuses ${what.toLowerCase()} of ${kind} ${name}: ${fields}`;
  const advice = undeclared
    ? `Declare the field in the schema of ${definition}, or set "x-kubernetes-preserve-unknown-fields: true" there; "kplug crd" makes a definition that fits the plugin`
    : `Let the plugin return a value that the schema allows, or change the schema in ${definition}`;
  return { reason: 'InvalidResponse', summary, advice };
}

function describeFailure(failure: WriteFailure): Finding {
  const { message } = failure;
  const reason = reasonOf(failure);
  const advice = advices[reason] ?? 'Solve what the message names; the operator tries again by itself';
  return { reason, summary: `A write failed: ${message}`, advice };
}

const advices: Record<string, string> = {
  Denied: 'Change the resource or the plugin so that the admission policy or quota allows it, or change that',
  TooLarge: 'Let the plugin return less',
  Unexpected: 'This is a fault of the operator; its log has the details',
};
