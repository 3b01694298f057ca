// attachment-resources/: attachments as users create them.
import type { Attachment } from '../attachments/attachment.ts';
import { isEmptySelector, readLabelSelector } from '../attachments/label-selector.ts';
import { KplugError } from '../errors.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';
import type { JsonObject, Resource, ResourceKind } from '../resources/resource.ts';

/** Kind of the resources by which users attach plugins. */
export const attachmentKind: ResourceKind = { apiVersion: 'attachments.kplug.dev/v1alpha1', kind: 'Attachment' };

const { maxUserLength } = limits.attachments;
const { value: defaultLease, min: minLease = 0, max: maxLease = 0 } = limitTable.attachments.lease;

const digest = /^[0-9a-f]{64}$/;
const resourceName = /^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$/;

/** Reads an `Attachment` resource. Throws `InvalidConfiguration`, with the field and the remedy. */
export function readAttachment({ metadata, spec = {} }: AttachmentResource): Attachment {
  const { namespace = '', name, uid, creationTimestamp: createdAt = '' } = metadata;
  const { delegation, selector, all, tokenSHA256, user } = spec as JsonObject;
  if (!resourceName.test(name)) throw invalid('metadata.name', 'at most 50 lower-case letters, digits and "-"');
  if (typeof delegation !== 'string' || delegation === '') throw invalid('spec.delegation', 'the name of a delegation');
  if (typeof tokenSHA256 !== 'string' || !digest.test(tokenSHA256)) {
    throw invalid('spec.tokenSHA256', 'the SHA-256 of a random token, as 64 hexadecimal digits');
  }
  const matches = readLabelSelector(selector);
  if (isEmptySelector(selector) && all !== true) {
    throw new KplugError('InvalidConfiguration', 'spec.selector is empty, which needs spec.all: true');
  }
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid,
    createdAt,
    delegation,
    matches,
    digest: Buffer.from(tokenSHA256, 'hex'),
    user: typeof user === 'string' && user !== '' ? cutText(user, maxUserLength) : 'an unknown user',
  };
}

/** Part of a resource that an attachment is read from. */
type AttachmentResource = Pick<Resource, 'metadata' | 'spec'>;

/** Returns the duration of the lease of an attachment, in milliseconds, within its limits. */
export function leaseOf({ spec = {} }: Pick<Resource, 'spec'>): number {
  const { leaseDurationSeconds } = spec as JsonObject;
  const stated = typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1_000 : defaultLease;
  return Math.min(Math.max(stated, minLease), maxLease);
}

/** Returns the time of the last renewal as its user wrote it. It is compared with earlier ones, never with a clock. */
export function renewalOf({ spec = {} }: Pick<Resource, 'spec'>): string {
  const { renewTime } = spec as JsonObject;
  return typeof renewTime === 'string' ? renewTime : '';
}

function invalid(field: string, expected: string): KplugError {
  return new KplugError('InvalidConfiguration', `${field} must be ${expected}`);
}
