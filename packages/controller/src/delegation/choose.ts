import { messageOf } from '../errors.ts';
import type { Implementation } from '../registry/implementation.ts';
import type { Registry } from '../registry/registry.ts';
import type { Resource } from '../resources/resource.ts';
import type { PresentChoice } from '../selection/candidate.ts';
import { explainSelection } from '../selection/explain.ts';
import { type PluginPattern, parsePattern } from '../selection/preference.ts';
import { type Selection, type SelectionRequest, select } from '../selection/select.ts';
import type { DelegationSettings } from './declaration.ts';
import { readField } from './field-path.ts';
import { holdersOf } from './status.ts';

/** The choice for one resource, and why. */
export interface Choice {
  selection: Selection<Implementation>;
  request: SelectionRequest;
  /** As in `selection`, or `InvalidPreference`. */
  reason: Selection['reason'] | 'InvalidPreference';
  /** The reason in a sentence. */
  message: string;
  /** The registry's revision that it was made at: the same resource gets the same choice as long as this is the same. */
  revision: number;
}

/** Chooses for a resource among the plugins known now. Asked at each change of any of them, so it is cheap. */
export function choose(base: Resource, settings: DelegationSettings, registry: Registry): Choice {
  const candidates = registry.implementations(settings.api);
  const { revision } = registry;
  const present = holdersOf(base);
  const preference = readPreference(base, settings);
  if (typeof preference === 'string') {
    const request = { preference: undefined, present };
    const nothing: Selection<Implementation> = { chosen: [], reason: 'NoPlugin', verdicts: [] };
    return { selection: nothing, request, reason: 'InvalidPreference', message: preference, revision };
  }
  const request = { preference, present };
  const selection = select(candidates, settings.rules, request);
  return {
    selection,
    request,
    reason: selection.reason,
    revision,
    get message() {
      return explainSelection(selection, settings.rules, request);
    },
  };
}

/** The implementation that stands for a plugin that a resource went to: the same version if it is there, or another one. */
export function findHolder(
  holder: PresentChoice,
  settings: DelegationSettings,
  registry: Registry,
): Implementation | undefined {
  const preference: PluginPattern = { text: holder.plugin, name: holder.plugin.toLowerCase(), range: undefined };
  const rules = { ...settings.rules, mode: 'one', fallback: 'none' } as const;
  const { chosen } = select(registry.implementations(settings.api), rules, { preference, present: [holder] });
  return chosen[0];
}

/** The preference that a resource states, or what is wrong with it. */
function readPreference(base: Resource, { preferencePath }: DelegationSettings): PluginPattern | undefined | string {
  const stated = readField(base, preferencePath);
  if (stated === undefined || stated === null || stated === '') return undefined;
  const where = `.${preferencePath.join('.')}`;
  if (typeof stated !== 'string') return `${where} must be a text such as PostgreSQL or PostgreSQL@^1.2`;
  try {
    return parsePattern(stated);
  } catch (error) {
    return `${where}: ${messageOf(error)}`;
  }
}
