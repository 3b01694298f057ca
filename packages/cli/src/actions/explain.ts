import { CommandError } from '../command-error.ts';
import { readResourceName } from '../input/resource-name.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatExplanation } from '../output/explanation.ts';
import { formatExplainedResource } from '../output/message.ts';
import type { Terminal } from '../output/terminal.ts';

/** Options of `kplug explain`. */
export interface ExplainOptions extends OperatorChoice {
  namespace?: string;
  output: 'text' | 'json' | 'yaml';
}

/** Prints why a plugin was selected for a resource. @param target `KIND/NAME` */
export async function explain(target: string, options: ExplainOptions, terminal: Terminal): Promise<void> {
  const { output } = options;
  const { kind, name } = readResourceName(target);
  if (!name) throw new CommandError('usage', `"${target}" has no name; write KIND/NAME, such as DatabaseTable/users`);
  const client = await AdminClient.of(options);
  const namespace = options.namespace ?? client.namespace;
  const resource = { kind, namespace, name };
  const explained = await client.explain(resource);
  if (output === 'text') {
    const { diagnosis } = (await client.trace(resource)) ?? {};
    terminal.print(formatExplanation(explained, terminal.colors, Date.now(), diagnosis));
  } else terminal.print(formatExplainedResource(explained, output));
}
