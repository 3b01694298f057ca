import { type Required, type Requirement, retry } from '@kplug/sdk';
import { z } from 'zod';
import { capability, type LinkedCapability } from './capability.ts';

/** Capability that a component needs, whichever one that is. */
export const need = z.object({
  category: z.string(),
  type: z.string(),
  /** Default: any. */
  version: z.string().optional(),
  /** Labels of the capabilities that it may be. */
  labels: z.record(z.string(), z.string()),
});

/** Capability that a component needs. */
export type Need = z.output<typeof need>;

/** Returns the capabilities among which the needed ones are sought. */
export function requirementsOf(needs: readonly Need[]): Record<string, Requirement> {
  return Object.fromEntries(
    needs.map(({ labels }, index) => [
      nameOf(index),
      { apiVersion: 'platform.example.org/v1', kind: 'Capability', labels },
    ]),
  );
}

/**
 * Finds the capability for each need: the one that the component has already, otherwise the first one. Throws a `PluginError` if there is
 * none.
 *
 * @param bound names of the capabilities that the component has.
 */
export function findCapabilities(
  needs: readonly Need[],
  required: Required,
  bound: readonly string[],
): LinkedCapability[] {
  return needs.map((wanted, index) => {
    const found = z.array(capability).parse(required.all(nameOf(index))) as LinkedCapability[];
    const suitable = found.filter((one) => isSuitable(one, wanted));
    const chosen = suitable.find(({ metadata }) => bound.includes(metadata.name)) ?? suitable[0];
    if (chosen) return chosen;
    const { category, type, version, labels } = wanted;
    const marks = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
    const subject = version === undefined ? type : `${type} ${version}`;
    const message = `no Capability of the category ${category} with ${subject} has the labels ${marks.join(', ')}`;
    throw retry(message, { reason: 'CapabilityMissing' });
  });
}

function isSuitable({ spec, status }: LinkedCapability, { category, type, version }: Need): boolean {
  if (spec.category !== category || spec.type !== type) return false;
  return version === undefined || status?.capability?.version === version;
}

function nameOf(index: number): string {
  return `need-${index}`;
}
