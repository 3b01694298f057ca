import { CommandError } from '../command-error.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatRefusals } from '../output/message.ts';
import { refusalTable } from '../output/refusals.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug plugins list --refused`. */
export interface ListRefusalsOptions extends OperatorChoice {
  output: 'table' | 'wide' | 'json' | 'yaml';
}

/** Prints the registrations that an operator refused recently. */
export async function listRefusals(options: ListRefusalsOptions, terminal: Terminal): Promise<void> {
  const { output } = options;
  const client = await AdminClient.of(options);
  const response = await client.listRefusals();
  if (!response) {
    const advice = 'its log has one line for each plugin and reason';
    throw new CommandError('failed', `the operator at ${client.url} is too old to list refusals; ${advice}`);
  }
  if (output === 'json' || output === 'yaml') {
    terminal.print(formatRefusals(response, output));
    return;
  }
  const { refusals, dropped } = response;
  if (refusals.length === 0) terminal.say(`The operator at ${client.url} has refused no plugin recently.`);
  else {
    const content = refusalTable(refusals, { wide: output === 'wide', now: Date.now() });
    terminal.print(formatTable(content, terminal.colors));
  }
  if (dropped > 0) terminal.say(`${dropped} more refusals are no longer listed.`);
}
