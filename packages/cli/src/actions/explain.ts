import { CommandError } from '../command-error.ts';
import { AdminClient } from '../operator/admin-client.ts';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { formatExplanation } from '../output/explanation.ts';
import { formatExplainedResource } from '../output/message.ts';
import type { Terminal } from '../output/terminal.ts';

/** Where the resource is, and how it is explained. */
export interface ExplainOptions extends OperatorChoice {
  namespace?: string;
  output: 'text' | 'json' | 'yaml';
}

/** Prints why a resource, named as `KIND/NAME`, went to its plugin. */
export async function explain(target: string, options: ExplainOptions, terminal: Terminal): Promise<void> {
  const { output } = options;
  const [, kind, name] = /^([^/]+)\/([^/]+)$/.exec(target) ?? [];
  if (!kind || !name) {
    throw new CommandError('usage', `"${target}" names no resource; write KIND/NAME, such as DatabaseTable/users`);
  }
  const client = await AdminClient.of(options);
  const namespace = options.namespace ?? client.namespace;
  const explained = await client.explain({ kind, namespace, name });
  if (output === 'text') terminal.print(formatExplanation(explained, terminal.colors, Date.now()));
  else terminal.print(formatExplainedResource(explained, output));
}
