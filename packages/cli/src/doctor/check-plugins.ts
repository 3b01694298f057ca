import {
  type Download,
  DownloadState,
  type HostedPlugin,
  HostedState,
  InstanceState,
  RefusalReason,
} from '@kplug/protocol';
import type { OperatorChoice } from '../operator/operator-place.ts';
import { ageOf } from '../output/age.ts';
import { timeOf } from '../output/plugin-table.ts';
import { reasonName } from '../output/refusals.ts';
import { plain } from '../output/table.ts';
import { kplugCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import type { OperatorView } from './operator-view.ts';
import { similarTo } from './similar.ts';

const about = 'plugins';

/** Age up to which a refusal is reported, in milliseconds. Plugins retry within it. */
const refusalAge = 5 * 60_000;

/** Largest number of refusals that are reported. The command in the advice lists all. */
const maxRefusals = 10;

/** Reasons that concern identities, which are named as in `kplug plugins --refused`. */
const aboutIdentity: readonly RefusalReason[] = [
  RefusalReason.UNAUTHENTICATED,
  RefusalReason.FORBIDDEN,
  RefusalReason.NAME_TAKEN,
];

/** Checks that the registered and hosted plugins work, and that delegations use them. */
export function checkPlugins(view: OperatorView, choice: OperatorChoice): Finding[] {
  if (!view.delegations.value) return [];
  return [
    ...checkInstances(view, choice),
    ...checkRefused(view, choice),
    ...checkHosted(view, choice),
    ...checkUse(view),
  ];
}

function checkInstances({ instances }: OperatorView, choice: OperatorChoice): Finding[] {
  const check = new Check('InstancesLive', about);
  if (!instances.value) return [check.notTried(`instances: ${instances.failure}`)];
  const findings = instances.value.flatMap(({ registration, state, stateReason }) => {
    const { plugin = '', version = '', instanceId = '', address = '' } = registration ?? {};
    const which = `${plugin} ${version} (${plain(instanceId)} at ${address})`;
    const advice = kplugCommand(choice, 'plugins', 'describe', plugin);
    const reason = stateReason && `: ${plain(stateReason)}`;
    if (state === InstanceState.SUSPECT) return [check.warning(`${which} is suspect${reason}`, advice)];
    if (state === InstanceState.DRAINING) return [check.warning(`${which} is draining${reason}`, advice)];
    return [];
  });
  const count = instances.value.length;
  if (findings.length > 0 || count === 0) return findings;
  return [check.ok(count === 1 ? 'the only instance is live' : `all ${count} instances are live`)];
}

/** Reports plugins that were refused a short time ago: they try again and again, and are not listed otherwise. */
function checkRefused({ refusals }: OperatorView, choice: OperatorChoice): Finding[] {
  const check = new Check('PluginsAccepted', about);
  if (refusals.failure !== undefined) return [check.notTried(`refused plugins: ${refusals.failure}`)];
  const now = Date.now();
  const current = (refusals.value ?? []).filter(({ lastAt }) => now - (timeOf(lastAt) ?? 0) < refusalAge);
  return current.slice(0, maxRefusals).map(({ plugin, version, address, peer, count, lastAt, reason, message }) => {
    const which = [plain(plugin) || 'a plugin without a name', plain(version)].filter(Boolean).join(' ');
    const times = count === 1 ? 'refused' : `refused ${count} times`;
    const [problem = '', ...remedy] = plain(message).split(/;\s+/);
    const where = plain(address) || plain(peer);
    const code = aboutIdentity.includes(reason) ? `${reasonName(reason)}: ` : '';
    return check.warning(
      `${which} at ${where} was ${times}, last ${ageOf(timeOf(lastAt), now)} ago: ${code}${problem}`,
      ...(remedy.length > 0 ? [remedy.join('; ')] : []),
      kplugCommand(choice, 'plugins', '--refused'),
    );
  });
}

function checkHosted({ hosted }: OperatorView, choice: OperatorChoice): Finding[] {
  const check = new Check('HostedPluginsRun', about);
  if (hosted.failure !== undefined) return [check.notTried(`plugins directory: ${hosted.failure}`)];
  const { directory, plugins, downloads } = hosted.value ?? { directory: '', plugins: [], downloads: [] };
  if (!directory) return [];
  const findings = [
    ...plugins.flatMap((one) => checkOneHosted(check, directory, one, choice)),
    ...downloads.flatMap((one) => checkDownload(one)),
  ];
  if (findings.length > 0 || plugins.length === 0) return findings;
  return [
    check.ok(
      `${plugins.length} ${plugins.length === 1 ? 'plugin' : 'plugins'} of the directory ${directory} ${plugins.length === 1 ? 'runs' : 'run'}`,
    ),
  ];
}

function checkOneHosted(check: Check, directory: string, hosted: HostedPlugin, choice: OperatorChoice): Finding[] {
  const { name, state, message, lastExit, lastLines } = hosted;
  const last = plain(lastLines.at(-1) ?? '');
  const reason = [plain(message || lastExit), last && !message.includes('last output: ') && `last output: ${last}`]
    .filter(Boolean)
    .join('; ');
  const which = `${directory}/${plain(name)}`;
  const advice = kplugCommand(choice, 'plugins', 'describe', plain(name));
  switch (state) {
    case HostedState.FAILING:
      return [check.problem(`${which} is failing: ${reason}`, advice)];
    case HostedState.BACK_OFF:
      return [check.problem(`${which} exited and will be restarted: ${reason}`, advice)];
    case HostedState.ENDED:
      return [check.warning(`${which} exited, and its restart policy does not restart it: ${reason}`, advice)];
    default:
      return message ? [check.warning(`${which}: ${reason}`, advice)] : [];
  }
}

function checkDownload({ item, state, message }: Download): Finding[] {
  if (state !== DownloadState.FAILED) return [];
  const advice =
    'correct the item in --plugins (KPLUG_PLUGINS), or make the download server reachable from the operator';
  return [new Check('PluginsDownloaded', about).problem(`cannot fetch ${plain(item)}: ${plain(message)}`, advice)];
}

/** Checks that a delegation uses each plugin API. An unused one is probably a typing error. */
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
          ? `did you mean ${similar.join(' or ')}?`
          : `declare a delegation with "api: ${api}" if one is missing`;
      return check.warning(message, advice, "ignore this if the operator's own code calls the plugin");
    });
}
