import { KplugError } from '../../errors.ts';
import type { VersionedName } from '../../names.ts';
import type { Resource } from '../../resources/resource.ts';
import { isOfDependent } from '../dependents/observed.ts';
import { describeRequirement } from './requirement.ts';
import type { RequirementFollower } from './requirement-follower.ts';

/** Requirement of a plugin, and the resources that it selects. */
export interface FoundRequirement {
  plugin: VersionedName;
  name: string;
  /** Description of what is required, for people. */
  selector: string;
  /** Empty if the resources are missing, or can't be sent. */
  resources: readonly Resource[];
  /** Reason why the resources can't be sent; `undefined` if they can. */
  problem: KplugError | undefined;
}

/** Describes what plugins require for a base. */
export function describeRequirements(base: Resource, follower: RequirementFollower): FoundRequirement[] {
  return follower.requirementsOf(base).flatMap(({ plugin, requirements }) =>
    [...requirements].flatMap(([name, requirement]) => {
      // The status lists it among the dependents.
      if (isOfDependent(name)) return [];
      const described = { plugin, name, selector: describeRequirement(requirement) };
      try {
        return { ...described, resources: follower.select(base, plugin, requirement), problem: undefined };
      } catch (error) {
        if (error instanceof KplugError) return { ...described, resources: [], problem: error };
        throw error;
      }
    }),
  );
}
