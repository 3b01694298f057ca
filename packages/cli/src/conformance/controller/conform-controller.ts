import { quietGrpc } from '@kplug/protocol';
import { CommandError } from '../../command-error.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import type { Report } from '../report.ts';
import { type Requirement, unseen } from '../requirement.ts';
import { runRequirements, selectRequirements } from '../run-requirements.ts';
import { answerTime, ControllerUnderTest } from './controller-under-test.ts';
import { refusing } from './malformed.ts';
import { hearing } from './registering.ts';
import { serving } from './serving.ts';

const needsResources = 'it needs resources that are delegated, and a look at what becomes of them';

/** What can't be seen from the heartbeat port alone. */
const unseenThere: readonly Requirement<ControllerUnderTest>[] = (
  [
    ['C8', 'makes sure by GetInfo who answers before the first call'],
    ['C9', 'makes one call for a resource at a time'],
    ['C10', 'sends the deadline'],
    ['C11', 'sends all extensions that exist'],
    ['C12', 'checks a response whole before it uses any of it'],
    ['C13', 'throws away responses that are outdated'],
    ['C14', 'writes a status of nothing but what it sent'],
    ['C15', 'writes no status that would change nothing'],
    ['C16', 'says which plugin was chosen and why'],
    ['C17', 'uses Work only where it is served'],
  ] as const
).map(([number, title]) => unseen(number, 'MUST', title, needsResources));

/** What `docs/plugin-specification.md` requires of a controller, in the order in which it is tried. */
export const controllerRequirements: readonly Requirement<ControllerUnderTest>[] = [
  ...hearing,
  ...refusing,
  ...serving,
  ...unseenThere,
];

/** Tries a controller from a plugin's side. Rejects with a `CommandError` when none answers. */
export async function conformController(address: string, only: readonly string[] | undefined): Promise<Report> {
  quietGrpc();
  await using controller = await ControllerUnderTest.reach(address);
  try {
    await controller.client.listPlugins({}, { deadline: Date.now() + answerTime });
  } catch (cause) {
    const message = `no controller answers at ${address}: ${describeAnswer(cause)}; name an operator's heartbeat port`;
    throw new CommandError('unreachable', message, { cause });
  }
  const verdicts = await runRequirements(selectRequirements(controllerRequirements, only), controller);
  return { subject: `the controller at ${address}`, verdicts };
}
