import { formatPlugin } from '../../names.ts';
import type { Case, Finding } from '../finding.ts';
import { argumentsFor } from '../words.ts';

/** A plugin gets no calls, as they time out. */
export function suspendedPlugin({ known }: Case): Finding | undefined {
  const { state, choice, delegation } = known;
  if (state.reason !== 'PluginSuspended') return undefined;
  const suspended = choice.selection.chosen.filter((one) => delegation.suspensionOf(one) !== undefined);
  const messages = suspended.map((one) => delegation.suspensionOf(one));
  const [first] = suspended;
  const plugin = first ? first.plugin.text : 'the plugin';
  return {
    reason: state.reason,
    summary: `A plugin hangs: ${messages.join('; ') || state.message}`,
    advice: `Find out what ${plugin} waits for: "kplug logs ${plugin}"; restart it if it is stuck. The operator probes it, and goes on by itself as soon as it answers`,
  };
}

/** A call of a plugin failed, by what the plugin says or by the operator's own judgement. */
export function pluginFailure(given: Case): Finding | undefined {
  const { state, choice, delegation, base } = given.known;
  if (state.state !== 'failing') return undefined;
  const { reason, message } = state;
  const plugins = [...choice.selection.chosen, ...delegation.holders.holdersOf(base)];
  const speaker = plugins.find((one) => message.startsWith(`${formatPlugin(one)}: `));
  const [plugin = speaker] = plugins;
  const name = plugin?.plugin.text ?? 'the plugin';
  const again = `it is called again by itself, and at once by "kplug reconcile ${argumentsFor(given.known)}"`;
  const own = operatorReasons[reason];
  if (own) return { reason, summary: `${own.what}: ${message}`, advice: own.advice(name, delegation.settings.name) };
  if (!speaker) return undefined;
  const text = message.slice(formatPlugin(speaker).length + 2);
  return {
    reason,
    summary: `${formatPlugin(speaker)} fails: ${reason}: ${text}`,
    advice: `Solve what the plugin names; ${again}. Its log has more: "kplug logs ${speaker.plugin.text}"`,
  };
}

interface OwnReason {
  what: string;
  advice: (plugin: string, delegation: string) => string;
}

/** Failures that the operator finds, rather than the plugin. */
const operatorReasons: Record<string, OwnReason> = {
  DeadlineExceeded: {
    what: 'A plugin did not answer in time',
    advice: (plugin) =>
      `Find out what ${plugin} waits for: "kplug logs ${plugin}"; raise the delegation's "deadline" if it needs longer`,
  },
  PluginUnavailable: {
    what: 'A plugin became unreachable',
    advice: (plugin) => `Find out whether ${plugin} crashes: "kplug logs ${plugin}", "kplug plugins"`,
  },
  PluginFailed: {
    what: 'A call of a plugin failed',
    advice: (plugin) => `Find out from the log of ${plugin} why: "kplug logs ${plugin}"`,
  },
  InvalidResponse: {
    what: "A plugin answered with what the protocol doesn't allow",
    advice: (plugin) => `Mend ${plugin}; "kplug conformance" tests it`,
  },
  RequirementForbidden: {
    what: "A plugin requires a resource that it isn't allowed to",
    advice: (_, delegation) =>
      `List the kind in "requirements.kinds" of the delegation ${delegation}, or let the plugin do without it`,
  },
  RequirementsTooLarge: {
    what: 'A plugin requires too much',
    advice: (plugin) => `Let ${plugin} select fewer or smaller resources`,
  },
  RequirementsUnstable: {
    what: 'A plugin requires other resources by each answer',
    advice: (plugin) => `Let ${plugin} require the same resources for the same input`,
  },
};
