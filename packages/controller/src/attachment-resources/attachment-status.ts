import type { Attachment } from '../attachments/attachment.ts';
import { limits } from '../limits/limits.ts';
import { formatPlugin } from '../names.ts';
import { type ConditionContent, readConditions, stampCondition } from '../resources/conditions.ts';
import type { JsonObject, Resource } from '../resources/resource.ts';

const { maxListedResources } = limits.attachments;

/** Resource that an attachment matches. */
export interface MatchedResource {
  name: string;
  /** Plugin that is chosen for it now, such as `PostgreSQL 1.0.0`; empty without one. */
  plugin: string;
  /** True if that is the attached one. */
  isTaken: boolean;
  /** Older attachment that it belongs to, if one matches it, too. */
  rival: string | undefined;
  ready: string;
}

/** Findings about an attachment. */
export interface AttachmentFindings {
  /** Reason why it has no effect, such as `Malformed`; `undefined` if it is in effect. */
  refusal?: { reason: string; message: string } | undefined;
  attachment?: Attachment | undefined;
  /** Attached plugin, once it is registered. */
  registered?: { plugin: string; version: string } | undefined;
  isConnected?: boolean;
  resources?: readonly MatchedResource[];
}

/** Composes the status of an `Attachment` resource. Pure but for the clock. */
export function composeAttachmentStatus(
  resource: Resource,
  findings: AttachmentFindings,
  now: () => Date = () => new Date(),
): JsonObject {
  const { resources = [], registered } = findings;
  const taken = resources.filter(({ isTaken }) => isTaken);
  const content = attachedCondition(findings, taken.length);
  const condition = stampCondition(content, readConditions(resource.status), { now });
  return {
    attached: content.status,
    matched: resources.length,
    taken: taken.length,
    ...(registered && { plugin: formatPlugin(registered) }),
    resources: resources.slice(0, maxListedResources).map(({ name, plugin, isTaken, rival, ready }) => ({
      name,
      plugin,
      taken: isTaken ? 'True' : 'False',
      ready,
      ...(rival !== undefined && { takenBy: rival }),
    })),
    conditions: [condition],
  };
}

function attachedCondition(
  { refusal, registered, isConnected = false, resources = [] }: AttachmentFindings,
  taken: number,
): ConditionContent {
  const isNot = (reason: string, message: string) => ({ type: 'Attached', status: 'False' as const, reason, message });
  if (refusal) return isNot(refusal.reason, refusal.message);
  if (!isConnected)
    return isNot('NotConnected', 'the machine of the plugin is not connected; "kplug attach" has to run there');
  if (!registered)
    return isNot('WaitingForPlugin', 'the plugin is not registered yet; its resources stay where they are until it is');
  const rivals = resources.filter(({ rival }) => rival !== undefined);
  const [first] = rivals;
  const others = first ? `; ${rivals.length} belong to older attachments, such as ${first.rival}` : '';
  if (taken > 0) {
    const message = `${taken} of ${resources.length} matching resources are reconciled by ${formatPlugin(registered)}${others}`;
    return { type: 'Attached', status: 'True', reason: 'Attached', message };
  }
  if (resources.length === 0)
    return isNot('NothingMatches', 'no resource of the delegation in this namespace matches the selector');
  if (rivals.length === resources.length)
    return isNot('TakenByOthers', `all matching resources belong to older attachments, such as ${first?.rival}`);
  const [other] = resources.filter(({ rival }) => rival === undefined);
  return isNot(
    'NotChosen',
    `the plugin was chosen for none of ${resources.length} matching resources; ${other?.name} is reconciled by ${other?.plugin || 'no plugin'}${others}`,
  );
}
