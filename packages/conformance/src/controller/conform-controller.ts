import { quietGrpc } from '@kplug/protocol';
import { CommandError } from '../../../cli/src/command-error.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import type { Report } from '../report.ts';
import type { Requirement } from '../requirement.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { answerTime, ControllerUnderTest } from './controller-under-test.ts';
import { calling, working } from './delegated/calling.ts';
import type { DelegatedOptions } from './delegated/delegated-trial.ts';
import { reporting } from './delegated/reporting.ts';
import { v0Calling } from './delegated/v0-calling.ts';
import { refusing } from './malformed.ts';
import { hearing } from './registering.ts';
import { serving } from './serving.ts';
import { v0Beating } from './v0-beating.ts';

/** What `docs/plugin-specification.md` requires of a controller, in the order in which it is tried. */
export const controllerRequirements: readonly Requirement<ControllerUnderTest>[] = [
  ...hearing,
  ...refusing,
  ...serving,
  ...v0Beating,
  ...calling,
  ...reporting,
  ...working,
  ...v0Calling,
];

/** What a controller is tried with. */
export interface ConformControllerOptions {
  /** The numbers of the requirements to try. Default: all. */
  only?: readonly string[] | undefined;
  /** What it delegates. Default: nothing that is known, and what needs it isn't tried. */
  delegated?: DelegatedOptions | undefined;
}

/** Tries a controller from a plugin's side. Rejects with a `CommandError` when none answers. */
export async function conformController(
  address: string,
  { only, delegated }: ConformControllerOptions = {},
): Promise<Report> {
  quietGrpc();
  const requirements = selectRequirements(controllerRequirements, only);
  await using controller = await ControllerUnderTest.reach(address);
  try {
    await controller.client.listPlugins({}, { deadline: Date.now() + answerTime });
  } catch (cause) {
    const message = `no controller answers at ${address}: ${describeAnswer(cause)}; name an operator's heartbeat port`;
    throw new CommandError('unreachable', message, { cause });
  }
  if (delegated) await controller.delegate(delegated);
  const verdicts = await runRequirements(requirements, controller);
  return { subject: `the controller at ${address}`, verdicts };
}
