import { describeKey } from '@kplug/controller/tools';
import {
  type Diagnosis,
  EventType,
  type ExplainResourceResponse,
  type OperationInProgress,
  ResourceState,
} from '@kplug/protocol';
import { adviceLines } from './advice.ts';
import { ageOf, formatAge } from './age.ts';
import { conditionText } from './condition-text.ts';
import { timeOf } from './plugin-table.ts';
import { colorStatus, formatTable, plain } from './table.ts';
import type { Colors } from './terminal.ts';

/** Formats the explanation of a selection as text. @param diagnosis why the resource is not ready, if that is known. */
export function formatExplanation(
  explained: ExplainResourceResponse,
  colors: Colors,
  now: number,
  diagnosis?: Diagnosis,
): string {
  return [
    ...diagnosisLines(diagnosis, colors),
    summary(explained, colors, now),
    ...extensionLines(explained, colors),
    ...dependentLines(explained, colors, now),
    ...requirementLines(explained, colors),
    heading('Candidates', colors),
    candidateTable(explained, colors),
    heading('Events', colors),
    eventTable(explained, colors, now),
  ].join('\n');
}

/** Returns why the resource is not ready, and what to do next; nothing for one that is ready. */
function diagnosisLines(diagnosis: Diagnosis | undefined, colors: Colors): string[] {
  if (!diagnosis) return [];
  const isReady = diagnosis.state === ResourceState.READY;
  const lines = [...(isReady ? [] : [plain(diagnosis.summary)]), ...adviceLines(diagnosis, colors)];
  return lines.length > 0 ? [...lines, ''] : [];
}

function summary(explained: ExplainResourceResponse, colors: Colors, now: number): string {
  const { resource, preference, reason, message, nextPassAt, answerHoldsUntil } = explained;
  if (!resource) return '';
  const status = conditionText(resource.ready);
  const plugin = resource.plugin
    ? `${plain(`${resource.plugin} ${resource.pluginVersion}`)}${describeHold(explained)}`
    : 'none yet';
  const observed =
    resource.generation === resource.observedGeneration ? '' : ` (reconciled: ${resource.observedGeneration})`;
  return [
    colors.bold(plain(resource.key)),
    `  Ready        ${colorStatus(status, colors)} ${plain(resource.readyReason)}`.trimEnd(),
    `               ${plain(resource.readyMessage) || 'no message yet'}`,
    `  Generation   ${resource.generation}${observed}`,
    `  Delegation   ${plain(resource.delegation)}`,
    `  Preference   ${plain(preference) || 'none'}`,
    `  Plugin       ${plugin}`,
    `  Now chosen   ${plain(reason)}: ${plain(message)}`,
    ...explained.operations.map((operation) => `  Operation    ${describeOperation(operation, now)}`),
    ...(answerHoldsUntil ? [`  Answer       ${describeValidity(timeOf(answerHoldsUntil) ?? now, plugin, now)}`] : []),
    `  Next pass    ${formatNextPass(timeOf(nextPassAt), now)}`,
  ].join('\n');
}

/** Returns the problems with extensions; nothing if there are none. */
function extensionLines({ extensionProblems }: ExplainResourceResponse, colors: Colors): string[] {
  if (extensionProblems.length === 0) return [];
  const rows = extensionProblems.map(({ reason, message }) => [`  ${colors.yellow(plain(reason))}`, plain(message)]);
  return [heading('Extensions', colors), formatTable({ header: ['  REASON', 'MESSAGE'], rows }, colors)];
}

/** Returns the dependents of the resource; nothing if there are none. */
function dependentLines({ dependents }: ExplainResourceResponse, colors: Colors, now: number): string[] {
  if (dependents.length === 0) return [];
  const rows = dependents.map(({ key, ready, reason, since, message }) => [
    `  ${plain(describeKey(key))}`,
    colorStatus(conditionText(ready), colors),
    plain(reason),
    ageOf(timeOf(since), now),
    plain(message),
  ]);
  const header = ['  DEPENDENT', 'READY', 'REASON', 'SINCE', 'MESSAGE'];
  return [heading('Dependents', colors), formatTable({ header, rows }, colors)];
}

/** Returns what plugins require for the resource, found or missing; nothing if they require nothing. */
function requirementLines({ requirements }: ExplainResourceResponse, colors: Colors): string[] {
  if (requirements.length === 0) return [];
  const rows = requirements.map(({ plugin, name, selector, resources, problemReason, problemMessage }) => {
    const isMissing = resources.length === 0;
    const state = problemReason ? plain(problemReason) : isMissing ? 'missing' : 'found';
    const found = resources.map(({ key }) => describeKey(key)).join(', ');
    return [
      `  ${plain(name)}`,
      plain(plugin),
      plain(selector),
      isMissing ? colors.yellow(state) : colors.green(state),
      plain(problemMessage || found),
    ];
  });
  const header = ['  REQUIREMENT', 'PLUGIN', 'SELECTS', 'STATE', 'RESOURCES'];
  return [heading('Required resources', colors), formatTable({ header, rows }, colors)];
}

/** Describes a plugin that holds the resource, and has to finalize it, although it isn't chosen now. */
function describeHold({ resource, candidates }: ExplainResourceResponse): string {
  const held = resource?.plugin.split(',') ?? [];
  const isChosen = candidates.some(({ plugin, chosen }) => chosen && held.includes(plugin));
  return isChosen ? '' : ' (holds the resource, and is not chosen now)';
}

/** Describes an operation in progress, and whether it is to be cancelled. */
function describeOperation(
  { plugin, percentage, message, token, startedAt, cancelled }: OperationInProgress,
  now: number,
): string {
  const state = percentage === undefined ? 'in progress' : `${percentage}% done`;
  const said = message ? `: ${plain(message)}` : '';
  const age = ageOf(timeOf(startedAt), now);
  const named = token ? `, token ${plain(token)}` : '';
  const end = cancelled ? '; no longer wanted: the next call says so' : '';
  return `${plain(plugin)}: ${state}${said} (since ${age}${named})${end}`;
}

/** Describes the time for which the last answer holds. */
function describeValidity(until: number, plugin: string, now: number): string {
  const time = new Date(until).toISOString().replace(/\.\d+Z$/, 'Z');
  return `the answer of ${plugin} holds until ${time}, for ${formatAge(until - now)}; it is not called before, unless its input changes`;
}

function formatNextPass(at: number | undefined, now: number): string {
  if (at === undefined) return 'after a change';
  return `in ${formatAge(at - now)}, or after a change`;
}

function candidateTable({ candidates }: ExplainResourceResponse, colors: Colors): string {
  if (candidates.length === 0) return '  No plugin of the API is registered.';
  const rows = candidates.map(({ plugin, version, chosen, readyInstances, instances, reason, message }) => [
    chosen ? colors.green(`* ${plain(plugin)}`) : `  ${plain(plugin)}`,
    plain(version),
    `${readyInstances}/${instances}`,
    plain(reason),
    plain(message),
  ]);
  return formatTable({ header: ['  PLUGIN', 'VERSION', 'INSTANCES', 'REASON', 'MESSAGE'], rows }, colors);
}

function eventTable({ events }: ExplainResourceResponse, colors: Colors, now: number): string {
  if (events.length === 0) return '  No Events yet.';
  const rows = events.map(({ event, count, lastAt }) => [
    `  ${ageOf(timeOf(lastAt), now)}`,
    event?.type === EventType.WARNING ? colors.yellow('Warning') : 'Normal',
    plain(event?.reason ?? ''),
    String(count),
    plain(event?.message ?? ''),
  ]);
  return formatTable({ header: ['  LAST', 'TYPE', 'REASON', 'COUNT', 'MESSAGE'], rows }, colors);
}

function heading(text: string, colors: Colors): string {
  return `\n${colors.bold(text)}`;
}
