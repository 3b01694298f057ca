import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { refusalReasons } from '../../../packages/controller/src/ports/refusal-reason.ts';
import { cell, code, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

const sources = resolve(import.meta.dirname, '../../../packages');

/** Page of the reasons in conditions and verdicts, and the codes of errors, from their doc comments. */
export function reasonsPage(): GeneratedPage {
  const connections = Object.entries(refusalReasons).map(([reason, meaning]) => [code(reason), cell(meaning)]);
  const content = page(
    '# Reasons and codes',
    generatedBy('the sources'),
    [
      'Conditions, Events and metrics give the reason in one word, and a message with the details. Tools may depend on the words; messages can',
      'change in any release. A plugin can also give reasons of its own; [troubleshooting](../troubleshooting.md) has advice for those that need it.',
    ],
    '## Reasons of `PluginSelected`',
    'The condition is `True` if a plugin was chosen. [Selection](../delegations.md#selection) has the rules.',
    reasonTable('controller/src/selection/select.ts', 'SelectionReason'),
    '## Reasons of candidates',
    '`kplug explain` gives one for each candidate.',
    reasonTable('controller/src/selection/select.ts', 'VerdictReason'),
    '## Reasons of `ExtensionsResolved`',
    'The condition is `True` with the reason `Resolved` if every [extension](../delegations.md#extensions) was found. Else:',
    reasonTable('controller/src/delegation/extensions/gather.ts', 'ExtensionProblemReason'),
    '## Reasons of failed passes',
    [
      '`Reconciled` and `Ready` are `False` with one of these reasons after a failed pass. They are also the codes of the errors that',
      '`@kplug/controller` throws. A plugin that reports a failure itself gives its own reason.',
    ],
    reasonTable('controller/src/errors.ts', 'KplugErrorCode'),
    '## Reasons of dependents',
    'Each entry of `status.dependents` has one. [Readiness of dependents](../delegations.md#readiness-of-dependents) has the rules.',
    reasonTable('controller/src/delegation/dependents/inventory.ts', 'DependentReason'),
    '## Reasons of declared plugins',
    'The condition `Available` of a [`Plugin` behind a Service](../kubernetes.md#a-plugin-behind-a-service) is `False` with one of these.',
    reasonTable('controller/src/discovery/probe-failure.ts', 'ProbeFailureReason'),
    '## Reasons of refused connections',
    'The metric `kplug_connections_refused_total` and the log have them.',
    table(['reason', 'meaning and advice'], connections),
    '## Reasons of refused registrations',
    'The enum [`RefusalReason`](protocol.md#refusalreason) of the protocol has them; [Refused plugins](../troubleshooting.md#refused-plugins) has advice.',
    '## Codes of the SDK',
    'The code of an error of `@kplug/sdk`.',
    reasonTable('sdk/src/plugin-error.ts', 'PluginErrorCode'),
  );
  return { file: 'docs/reference/reasons.md', content };
}

/** Table of the members of a union, from the list in its doc comment. */
function reasonTable(file: string, type: string): string[] {
  const text = readFileSync(join(sources, file), 'utf8');
  const [, comment = ''] = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\nexport type ${type} =`).exec(text) ?? [];
  const lines = comment.replaceAll(/\n \* {3}(?=\S)/g, ' ').split('\n');
  const rows = lines.flatMap((line) => {
    const [, reasons = '', meaning = ''] = /^ \* - ((?:`\w+`(?:, )?)+): (.*)$/.exec(line) ?? [];
    return reasons ? [[reasons, cell(meaning.replace(/\.$/, ''))]] : [];
  });
  if (rows.length === 0) throw new Error(`${file}: the comment of ${type} lists no reasons`);
  return table(['reason', 'meaning'], rows);
}
