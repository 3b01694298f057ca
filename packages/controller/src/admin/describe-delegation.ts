import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CandidateSchema, DelegationSchema } from '@kplug/protocol';
import type { Delegation } from '../delegation/delegation.ts';
import { describeWriteProblems } from '../delegation/writes/write-problem.ts';
import { withSuspension } from '../diagnosis/candidates.ts';
import { visitAll } from '../queue/slices.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry } from '../registry/registry.ts';
import { explainVerdict } from '../selection/explain.ts';
import { type SelectionRequest, select, type Verdict } from '../selection/select.ts';

/** Describes a delegation, with the plugins that could serve it. */
export async function describeDelegation(
  delegation: Delegation,
  registry: Registry,
): Promise<MessageInitShape<typeof DelegationSchema>> {
  const {
    name,
    base,
    api,
    rules,
    extensions,
    requirements,
    dependents,
    capabilityPaths,
    namespaces = [],
  } = delegation.settings;
  const problem = delegation.problem ?? describeWriteProblems(delegation.writeProblems);
  const { reason: problemReason = '', message: problemMessage = '' } = problem ?? {};
  const { total, ready } = delegation.counts;
  const candidates: MessageInitShape<typeof CandidateSchema>[] = [];
  await visitAll(registry.implementations(api), (one) => candidates.push(judgeAlone(one, delegation)));
  return {
    name,
    apiVersion: base.apiVersion,
    kind: base.kind,
    pluginApi: api,
    pluginApiRange: rules.apiRange.raw,
    resources: total,
    ready,
    problemReason,
    problemMessage,
    candidates,
    extensionKinds: extensions.kinds?.map((kind) => ({ ...kind })) ?? [],
    namespaces: [...namespaces],
    requiredKinds: requirements.kinds.map(({ apiVersion, kind }) => ({ apiVersion, kind })),
    dependentKinds: dependents.permittedKinds.map((kind) => ({ ...kind })),
    asksCapability: capabilityPaths !== undefined,
  };
}

/** Judges a plugin as if it were the only candidate, for any resource of a delegation. */
function judgeAlone(implementation: Implementation, delegation: Delegation): MessageInitShape<typeof CandidateSchema> {
  const { rules } = delegation.settings;
  const request: SelectionRequest = { preference: undefined, present: [] };
  const { verdicts } = select([implementation], { ...rules, mode: 'one', fallback: 'any' }, request);
  const [verdict = { candidate: implementation, reason: 'Unreachable' as const }] = verdicts;
  return {
    ...describeCandidate(verdict),
    message: withSuspension(explainVerdict(verdict, rules, request), verdict, delegation),
  };
}

/** Describes a candidate without the explanation of the verdict on it. */
export function describeCandidate({
  candidate,
  reason,
}: Verdict<Implementation>): MessageInitShape<typeof CandidateSchema> {
  return { ...countInstances(candidate), chosen: reason === 'Chosen', reason };
}

/** Describes a plugin and its instances. */
export function countInstances({
  plugin,
  version,
  callable,
  size,
}: Implementation): MessageInitShape<typeof CandidateSchema> {
  return { plugin: plugin.text, version, readyInstances: callable.length, instances: size };
}
