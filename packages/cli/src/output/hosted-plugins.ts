import { type Download, DownloadState, type HostedPlugin, HostedState, type ListHostedResponse } from '@kplug/protocol';
import { ageOf } from './age.ts';
import { timeOf } from './plugin-table.ts';
import { plain } from './table.ts';
import type { Colors } from './terminal.ts';

const stateNames: Record<HostedState, string> = {
  [HostedState.UNSPECIFIED]: 'unknown',
  [HostedState.STARTING]: 'starting',
  [HostedState.LIVE]: 'live',
  [HostedState.DRAINING]: 'draining',
  [HostedState.BACK_OFF]: 'back-off',
  [HostedState.FAILING]: 'failing',
  [HostedState.ENDED]: 'ended',
};

/** Returns hosted plugins without a registered instance, as rows of a plugin table. */
export function hostedRows(
  hosted: ListHostedResponse | undefined,
  { wide, colors, now }: { wide: boolean; colors: Colors; now: number },
): string[][] {
  const absent = (hosted?.plugins ?? []).filter(({ state }) => !isServing(state));
  return absent.map(({ name, plugin, version, state, since, message, instanceId }) => {
    const row = [
      plain(plugin || name),
      plain(version),
      '',
      formatHostedState(state, colors),
      '',
      '',
      ageOf(timeOf(since), now),
    ];
    return wide ? [...row, '', '', plain(instanceId), `file=${plain(name)}`, plain(message)] : row;
  });
}

/** Returns a line for each failing plugin and each failed download. */
export function problemsOf(hosted: ListHostedResponse | undefined): string[] {
  const { directory = '', plugins = [], downloads = [] } = hosted ?? {};
  const failing = plugins.filter(({ state, message }) => state !== HostedState.DRAINING && message);
  return [
    ...failing.map(
      (one) => `${plain(`${directory}/${one.name}`)} is ${stateNames[one.state] ?? 'unknown'}: ${plain(one.message)}`,
    ),
    ...downloads.filter(({ state }) => state === DownloadState.FAILED).map(describeFailed),
  ];
}

/** Formats the state of a hosted plugin as text. */
export function describeHosted(hosted: HostedPlugin, colors: Colors, now: number): string {
  const { name, state, since, message, pid, restarts, lastExit, lastLines, nextStartAt } = hosted;
  const next = timeOf(nextStartAt);
  const facts: [string, string][] = [
    ['State', `${formatHostedState(state, colors)} for ${ageOf(timeOf(since), now)}`],
    ['Reason', plain(message)],
    ['Process', pid ? String(pid) : 'none'],
    ['Restarts', String(restarts)],
    ['Last exit', plain(lastExit)],
    ['Next start', next === undefined ? '' : `in ${Math.max(0, Math.ceil((next - now) / 1_000))} s`],
  ];
  const shown = facts.filter(([, value]) => value).map(([fact, value]) => `  ${fact.padEnd(12)}  ${value}`);
  const lines = lastLines.length > 0 ? ['  Last output:', ...lastLines.map((line) => `    ${plain(line)}`)] : [];
  return [`${colors.bold(plain(name))}, hosted by the operator`, ...shown, ...lines].join('\n');
}

function describeFailed({ item, message }: Download): string {
  return `cannot fetch ${plain(item)}: ${plain(message)}`;
}

function formatHostedState(state: HostedState, colors: Colors): string {
  // A newer operator may report an unknown state.
  const name = stateNames[state] ?? 'unknown';
  if (state === HostedState.LIVE) return colors.green(name);
  return state === HostedState.FAILING || state === HostedState.ENDED ? colors.red(name) : colors.yellow(name);
}

/** Reports whether the plugin has a registered instance. */
function isServing(state: HostedState): boolean {
  return state === HostedState.LIVE || state === HostedState.DRAINING;
}
