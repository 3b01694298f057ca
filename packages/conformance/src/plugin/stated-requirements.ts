import { create } from '@bufbuild/protobuf';
import type { Resource } from '@kplug/controller';
import {
  formatJson,
  Outcome,
  type ReconcileResponse,
  type RequiredResources,
  RequiredResourcesSchema,
  type ResourceRequirement,
} from '@kplug/protocol';
import { encode } from './sample.ts';

type Requirements = Readonly<Record<string, ResourceRequirement>>;

/** Maximum number of calls in a row. */
export const maxRounds = 5;

/** Requirements that the plugin under test stated, by the uid of the base. Its next calls bring the resources, as those of a controller do. */
export class StatedRequirements {
  readonly #given: readonly Resource[];
  readonly #byUid = new Map<string, Requirements>();

  /** @param given resources that may be required. Others are missing. */
  constructor(given: readonly Resource[]) {
    this.#given = given;
  }

  /** Returns the resources that a call for a base brings. */
  find(uid: string): Record<string, RequiredResources> {
    const entries = Object.entries(this.#byUid.get(uid) ?? {}).map(([name, requirement]) => {
      const items = this.#given.filter((one) => selects(requirement, one)).map((one) => ({ json: encode(one) }));
      return [name, create(RequiredResourcesSchema, { items })] as const;
    });
    return Object.fromEntries(entries);
  }

  /** Records an answer. Returns the names of the requirements that differ from those of the call. */
  answered(uid: string, { outcome, progress, requirements }: ReconcileResponse): string[] {
    const isFailure = outcome !== Outcome.SUCCESS && !progress;
    if (isFailure && Object.keys(requirements).length === 0) return [];
    const former = this.#byUid.get(uid) ?? {};
    const names = new Set([...Object.keys(former), ...Object.keys(requirements)]);
    const changed = [...names].filter((name) => formatOne(former[name]) !== formatOne(requirements[name]));
    if (changed.length > 0) this.#byUid.set(uid, requirements);
    return changed;
  }
}

/** Describes the faults of the requirements of an answer. */
export function faultsOfRequirements(requirements: Requirements): string[] {
  const entries = Object.entries(requirements);
  return [
    ...(entries.length > 32 ? [`${entries.length} requirements`] : []),
    ...entries.flatMap(([title, { apiVersion, kind, name, labels }]) => {
      const labelCount = Object.keys(labels).length;
      return [
        ...(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(title) ? [] : [`the name "${title}"`]),
        ...(apiVersion && kind ? [] : [`"${title}" without apiVersion or kind`]),
        ...((name === '') === (labelCount === 0) ? [`"${title}" without a name or labels, or with both`] : []),
        ...(labelCount > 16 ? [`"${title}" with ${labelCount} labels`] : []),
      ];
    }),
  ];
}

function selects({ apiVersion, kind, name, labels }: ResourceRequirement, one: Resource): boolean {
  if (one.apiVersion !== apiVersion || one.kind !== kind) return false;
  if (name) return one.metadata.name === name;
  return Object.entries(labels).every(([label, value]) => one.metadata.labels?.[label] === value);
}

function formatOne(requirement: ResourceRequirement | undefined): string {
  if (!requirement) return '';
  const { apiVersion, kind, namespace, name, labels } = requirement;
  return formatJson([apiVersion, kind, namespace, name, Object.entries(labels).sort()]);
}
