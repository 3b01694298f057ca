import { type DirectoryView, formatProblem } from '@kplug/controller/directory';
import type { Delegation } from '@kplug/protocol';
import type { Answer } from './answer.ts';
import { Check, type Finding } from './finding.ts';
import { similarTo } from './similar.ts';

const about = 'manifests';

/** Checks that the manifests of a directory are valid and contain resources of the delegated kinds. */
export function checkManifests(
  directory: string,
  view: Answer<DirectoryView>,
  delegations: readonly Delegation[],
): Finding[] {
  const check = new Check('ManifestsRead', about);
  if (!view.value) return [check.problemFrom(view.failure)];
  const { resources, problems } = view.value;
  const read = check.ok(`${resources.length} ${resources.length === 1 ? 'resource' : 'resources'} in ${directory}`);
  const found = problems.map((problem) => {
    const finding = check.problemFrom(formatProblem(problem).replace(/\.$/, ''));
    const advice = `correct it; "kplug manifests --manifests ${directory}" lists what remains`;
    return finding.advice.length > 0 ? finding : { ...finding, advice: [advice] };
  });
  return [...(found.length > 0 ? found : [read]), ...delegations.flatMap((one) => checkKind(one, view.value))];
}

function checkKind({ kind, apiVersion, name }: Delegation, { resources }: DirectoryView): Finding[] {
  if (resources.some((one) => one.kind === kind && one.apiVersion === apiVersion)) return [];
  const check = new Check('KindExists', `delegation ${name}`);
  const message = `the manifests have no ${kind} of ${apiVersion}`;
  const kinds = new Map(resources.map((one) => [one.kind, one.apiVersion]));
  const [similar] = kinds.has(kind) ? [kind] : similarTo(kind, kinds.keys());
  if (similar === undefined) return [check.warning(message, 'add one, or correct "base" of the delegation')];
  const seen = `${similar} of ${kinds.get(similar)}`;
  return [check.warning(`${message}, but they have ${seen}`, 'correct "base" of the delegation, or the manifest')];
}
