import type { AttachmentSource } from '../../attachments/attachment.ts';
import { messageOf } from '../../errors.ts';
import { isSameVersionedName, type VersionedName } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Resource } from '../../resources/resource.ts';
import { explainSelection } from '../../selection/explain.ts';
import { type PluginPattern, parsePattern } from '../../selection/preference.ts';
import type { Selection, SelectionRequest, Suspensions } from '../../selection/select.ts';
import { selectAttached } from '../../selection/select-attached.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { readField } from '../field-path.ts';
import { holdersOf } from '../passes/status.ts';
import { readWantedCapability } from './read-capability.ts';

/** The choice for one resource, with its reason. */
export interface Choice {
  selection: Selection<Implementation>;
  request: SelectionRequest;
  /** As in `selection`, or `InvalidPreference` or `InvalidCapability`. */
  reason: Selection['reason'] | 'InvalidPreference' | 'InvalidCapability';
  /** The reason in a sentence. */
  message: string;
  /** Revision of the registry at the choice. At the same revision, the same resource gets the same choice. */
  revision: number;
}

/** Chooses for a resource among the registered plugins. Reads of the resource only what `choiceBasisOf` returns. */
export function choose(
  base: Resource,
  settings: DelegationSettings,
  registry: Registry,
  suspensions?: Suspensions,
  attachments?: AttachmentSource,
): Choice {
  const candidates = registry.implementations(settings.api);
  const { revision } = registry;
  const present = holdersOf(base);
  const preference = readPreference(base, settings);
  const capability = readWantedCapability(base, settings);
  const refuse = (reason: 'InvalidPreference' | 'InvalidCapability', message: string): Choice => {
    const request = { preference: undefined, present };
    const nothing: Selection<Implementation> = { chosen: [], reason: 'NoPlugin', verdicts: [] };
    return { selection: nothing, request, reason, message, revision };
  };
  if (typeof preference === 'string') return refuse('InvalidPreference', preference);
  if (typeof capability === 'string') return refuse('InvalidCapability', capability);
  const attachment = attachments?.of(settings.name, base);
  const attachedBy = attachment && `${attachment.user} (Attachment ${attachment.key})`;
  const request = { preference, present, suspensions, capability, attachedBy };
  const attached = attachment ? registry.implementations(settings.api, attachment.key) : [];
  const selection = selectAttached(candidates, attached, settings.rules, request);
  let message: string | undefined;
  return {
    selection,
    request,
    reason: selection.reason,
    revision,
    get message() {
      message ??= explainSelection(selection, settings.rules, request);
      return message;
    },
  };
}

/**
 * Returns what the choice for a resource depends on, besides the delegation and the plugins: its preference, the capability that it asks
 * for, and the plugins that reconciled it last. Resources of a delegation with equal bases get the same choice.
 */
export function choiceBasisOf(base: Resource, settings: DelegationSettings, attachments?: AttachmentSource): string {
  const stated = readField(base, settings.preferencePath) ?? '';
  const preference = typeof stated === 'string' ? stated : 0;
  const capability = readWantedCapability(base, settings) ?? 0;
  return JSON.stringify([
    preference,
    capability,
    attachments?.of(settings.name, base)?.key ?? '',
    ...holdersOf(base).map(({ plugin, version }) => [plugin.key, version]),
  ]);
}

/** Reports whether two choices are of the same plugins in the same versions. */
export function isSameChoice(a: readonly VersionedName[], b: readonly VersionedName[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return other !== undefined && isSameVersionedName(one, other);
    })
  );
}

/** Returns the preference that a resource states, or a message if it is invalid. */
export function readPreference(
  base: Resource,
  { preferencePath }: Pick<DelegationSettings, 'preferencePath'>,
): PluginPattern | undefined | string {
  const stated = readField(base, preferencePath);
  if (stated === undefined || stated === null || stated === '') return undefined;
  const path = `.${preferencePath.join('.')}`;
  if (typeof stated !== 'string') return `${path} must be a string such as PostgreSQL or PostgreSQL@^1.2`;
  try {
    return parsePattern(stated);
  } catch (error) {
    return `${path}: ${messageOf(error)}`;
  }
}
