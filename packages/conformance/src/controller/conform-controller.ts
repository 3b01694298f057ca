import { quietGrpc } from '@kplug/protocol';
import { ConformanceError } from '../errors.ts';
import { type ConformControllerOptions, defaultControllerTimes } from '../options.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import type { Report } from '../report.ts';
import type { Requirement } from '../requirement.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { ControllerUnderTest } from './controller-under-test.ts';
import { callRequirements, workRequirements } from './delegated/calls.ts';
import { capabilityRequirements } from './delegated/capabilities.ts';
import { dependentRequirements } from './delegated/dependents.ts';
import { encryptionRequirements } from './delegated/encryption.ts';
import { operationRequirements } from './delegated/operations.ts';
import { resourceRequirements } from './delegated/requirements.ts';
import { statusRequirements } from './delegated/statuses.ts';
import { v0CallRequirements } from './delegated/v0-calls.ts';
import { validityRequirements } from './delegated/validity.ts';
import { identityRequirements } from './identities.ts';
import { refusalRequirements } from './refusals.ts';
import { registrationRequirements } from './registrations.ts';
import { servingRequirements } from './serving.ts';
import { v0HeartbeatRequirements } from './v0-heartbeats.ts';

/** Requirements of `docs/plugin-specification.md` on controllers, in the order in which they are checked. */
export const controllerRequirements: readonly Requirement<ControllerUnderTest>[] = [
  ...registrationRequirements,
  ...identityRequirements,
  ...refusalRequirements,
  ...servingRequirements,
  ...v0HeartbeatRequirements,
  ...callRequirements,
  ...encryptionRequirements,
  ...statusRequirements,
  ...dependentRequirements,
  ...capabilityRequirements,
  ...validityRequirements,
  ...operationRequirements,
  ...resourceRequirements,
  ...workRequirements,
  ...v0CallRequirements,
];

/** Runs the controller suite. Rejects with a `ConformanceError` when no controller answers or an option is invalid. */
export async function conformController(
  address: string,
  { only, delegated, times, access }: ConformControllerOptions = {},
): Promise<Report> {
  quietGrpc();
  const requirements = selectRequirements(controllerRequirements, only);
  await using controller = await ControllerUnderTest.connect(address, { ...defaultControllerTimes, ...times }, access);
  try {
    await controller.client.listPlugins({}, controller.callOptions);
  } catch (cause) {
    const advice = "give the address of an operator's heartbeat port";
    const message = `no controller answers at ${address}: ${describeAnswer(cause)}; ${advice}`;
    throw new ConformanceError('Unreachable', message, { cause });
  }
  if (delegated) await controller.delegate(delegated);
  const verdicts = await runRequirements(requirements, controller);
  return { subject: `the controller at ${address}`, verdicts };
}
