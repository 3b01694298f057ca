import type { Requirement } from '../requirement.ts';
import { answerRequirements } from './answers.ts';
import { capabilityRequirements } from './capabilities.ts';
import { identityRequirements } from './identity.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { reconcileRequirements } from './reconcile.ts';
import { reconnectionRequirements, registrationRequirements } from './registrations.ts';
import { servingRequirements } from './serving.ts';
import { shutdownRequirements } from './shutdown.ts';
import { workRequirements } from './work-stream.ts';

/** Requirements of `docs/plugin-specification.md` on plugins, in the order in which they are checked. */
export const pluginRequirements: readonly Requirement<PluginUnderTest>[] = [
  ...registrationRequirements,
  ...servingRequirements,
  ...workRequirements,
  ...reconcileRequirements,
  ...capabilityRequirements,
  ...answerRequirements,
  ...reconnectionRequirements,
  ...shutdownRequirements,
  ...identityRequirements,
];
