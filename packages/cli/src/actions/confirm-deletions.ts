import { setTimeout as sleep } from 'node:timers/promises';
import { confirm, isCancel } from '@clack/prompts';
import { confirmDeletions, readConfirmationOutcome, readDirectory } from '@kplug/controller/directory';
import { CommandError } from '../command-error.ts';
import { findReadDirectories } from '../input/find-manifests.ts';
import { isRunning } from '../operator/is-running.ts';
import { readOperatorFile } from '../operator/read-operator-file.ts';
import { deletionTable } from '../output/deletion-table.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { countOf } from './show-manifests.ts';

/** Options of `kplug manifests confirm`. */
export interface ConfirmDeletionsOptions {
  manifests?: string;
  stateDir?: string;
  yes?: boolean;
}

/** Longest time to wait until the operator has considered a confirmation, and interval of checks, in milliseconds. */
const [maxWait, checkInterval] = [15_000, 50];

/** Lists the deletions that an operator holds, or would hold, and confirms them. Rejects when the user declines. */
export async function confirmHeldDeletions(options: ConfirmDeletionsOptions, terminal: Terminal) {
  const { manifests: directory, ...states } = await findReadDirectories(options);
  const { deletions, isHeld } = await readDirectory(directory, states);
  const operator = await readOperatorFile(directory, states.stateDir);
  const pid = operator && isRunning(operator.pid) ? operator.pid : undefined;
  // An operator that does not run may have other limits, and hold these deletions when it starts.
  if (deletions.length === 0 || (pid !== undefined && !isHeld)) {
    terminal.say(`No deletion is held in ${directory}.`);
    return;
  }
  const resources = countOf(deletions.length, 'resource');
  terminal.print(formatTable(deletionTable(deletions), terminal.colors));
  if (!options.yes) await ask(`Delete ${resources}?`);
  await confirmDeletions(directory, deletions, states);
  if (pid === undefined) {
    terminal.say(
      `Confirmed. An operator deletes ${resources} when it starts, unless others are to be deleted by then.`,
    );
    return;
  }
  switch (await outcomeOf(directory, states)) {
    case 'accepted':
      terminal.say(`Confirmed. The operator, process ${pid}, deletes ${resources}.`);
      break;
    case 'pending':
      terminal.say(`Confirmed. The operator, process ${pid}, deletes ${resources} once no file is changing.`);
      break;
    default: {
      const advice = 'list them with "kplug manifests", and confirm again';
      throw new CommandError('failed', `other deletions are pending in ${directory} now, so all stay held; ${advice}`);
    }
  }
}

async function ask(message: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError('usage', 'there is no terminal to ask for a confirmation; add --yes');
  }
  const answer = await confirm({ message, initialValue: false, input: process.stdin, output: process.stderr });
  if (isCancel(answer) || !answer) throw new CommandError('failed', 'nothing is deleted');
}

/** Waits until the operator has considered a confirmation, for a limited time. */
async function outcomeOf(
  directory: string,
  states: { stateDir?: string },
): Promise<'pending' | 'refused' | 'accepted'> {
  const until = performance.now() + maxWait;
  for (;;) {
    const outcome = await readConfirmationOutcome(directory, states);
    if (outcome !== 'pending' || performance.now() > until) return outcome;
    await sleep(checkInterval);
  }
}
