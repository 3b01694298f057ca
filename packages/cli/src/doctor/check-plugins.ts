import { type Download, DownloadState, type HostedPlugin, HostedState, InstanceState } from '@kplug/protocol';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { plain } from '../output/table.ts';
import { kplugCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';
import { similarTo } from './similar.ts';

const about = 'plugins';

/** Whether the plugins that the operator knows are well, and of use. */
export function checkPlugins(view: OperatorView, choice: OperatorChoice): Finding[] {
  if (!view.delegations.value) return [];
  return [...checkInstances(view, choice), ...checkHosted(view, choice), ...checkUse(view)];
}

function checkInstances({ instances }: OperatorView, choice: OperatorChoice): Finding[] {
  const check = new Check('InstancesLive', about);
  if (!instances.value) return [check.notTried(`whether the plugins are live: ${instances.failure}`)];
  const doubtful = instances.value.flatMap(({ registration, state, stateReason }) => {
    const { plugin = '', version = '', instanceId = '', address = '' } = registration ?? {};
    const which = `${plugin} ${version} (${plain(instanceId)} at ${address})`;
    const advice = kplugCommand(choice, 'plugins', 'describe', plugin);
    const why = stateReason && `: ${plain(stateReason)}`;
    if (state === InstanceState.SUSPECT) return [check.warning(`${which} is suspect${why}`, advice)];
    if (state === InstanceState.DRAINING) return [check.warning(`${which} is draining${why}`, advice)];
    return [];
  });
  const count = instances.value.length;
  if (doubtful.length > 0 || count === 0) return doubtful;
  return [check.ok(count === 1 ? 'the only instance is live' : `all ${count} instances are live`)];
}

function checkHosted({ hosted }: OperatorView, choice: OperatorChoice): Finding[] {
  const check = new Check('HostedPluginsRun', about);
  if (hosted.failure !== undefined) return [check.notTried(`the plugins folder: ${hosted.failure}`)];
  const { directory, plugins, downloads } = hosted.value ?? { directory: '', plugins: [], downloads: [] };
  if (!directory) return [];
  const troubles = [
    ...plugins.flatMap((one) => checkOneHosted(check, directory, one, choice)),
    ...downloads.flatMap((one) => checkDownload(one)),
  ];
  if (troubles.length > 0 || plugins.length === 0) return troubles;
  return [check.ok(`${plugins.length} of the folder ${directory} ${plugins.length === 1 ? 'runs' : 'run'}`)];
}

function checkOneHosted(check: Check, directory: string, hosted: HostedPlugin, choice: OperatorChoice): Finding[] {
  const { name, state, message, lastExit, lastLines } = hosted;
  const last = plain(lastLines.at(-1) ?? '');
  const why = [plain(message || lastExit), last && `it wrote last: ${last}`].filter(Boolean).join('; ');
  const which = `${directory}/${plain(name)}`;
  const advice = kplugCommand(choice, 'plugins', 'describe', plain(name));
  switch (state) {
    case HostedState.FAILING:
      return [check.problem(`${which} is failing: ${why}`, advice)];
    case HostedState.BACK_OFF:
      return [check.problem(`${which} ended and is started again soon: ${why}`, advice)];
    case HostedState.ENDED:
      return [check.warning(`${which} has ended, and its restart policy leaves it at that: ${why}`, advice)];
    default:
      return message ? [check.warning(`${which}: ${why}`, advice)] : [];
  }
}

function checkDownload({ item, state, message }: Download): Finding[] {
  if (state !== DownloadState.FAILED) return [];
  const advice = 'correct the item in --plugins (KPLUG_PLUGINS), or see that the operator reaches where releases are';
  return [new Check('PluginsDownloaded', about).problem(`${plain(item)} can't be fetched: ${plain(message)}`, advice)];
}

/** A plugin that nothing is delegated to is probably a slip of the pen. */
function checkUse({ instances, delegations }: OperatorView): Finding[] {
  const check = new Check('PluginsUsed', about);
  const used = (delegations.value ?? []).map(({ pluginApi }) => pluginApi);
  const byApi = new Map<string, Set<string>>();
  for (const { registration, state } of instances.value ?? []) {
    if (!registration || state === InstanceState.GONE) continue;
    for (const { name } of registration.apis) {
      byApi.set(name, (byApi.get(name) ?? new Set()).add(`${registration.plugin} ${registration.version}`));
    }
  }
  return [...byApi]
    .filter(([api]) => !used.includes(api))
    .map(([api, plugins]) => {
      const message = `${[...plugins].sort().join(', ')} implements ${api}, which no delegation uses`;
      const similar = similarTo(api, used);
      const advice =
        similar.length > 0
          ? `was ${similar.join(' or ')} meant?`
          : `delegate a kind with "api: ${api}", if one should be`;
      return check.warning(message, advice, "nothing is amiss if the operator's own code calls it");
    });
}
