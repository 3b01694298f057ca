import { bytes, characters, count, KiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of attachments, by which users take over resources with a plugin of their own machine. */
export const attachments = {
  maxTotal: count(100, 'Maximum number of attachments at a time; further ones wait until others end.'),
  maxPerNamespace: count(16, 'Maximum number of attachments of one namespace at a time.'),
  lease: milliseconds(15 * seconds, 'Duration of the lease of an attachment that states none.', {
    settings: ['spec.leaseDurationSeconds'],
    min: 5 * seconds,
    max: 10 * minutes,
  }),
  maxRequirements: count(16, 'Maximum number of labels and expressions in the selector of an attachment.'),
  maxSelectorValues: count(64, 'Maximum number of values of an expression of such a selector.'),
  maxListedResources: count(50, 'Maximum number of resources that the status of an attachment lists.'),
  settleTime: milliseconds(500, 'Shortest interval between two writes of the status of an attachment.'),
  refreshShare: count(
    20,
    'Shortest interval between two such writes as a multiple of the time that the last one took.',
  ),
  maxConnections: count(16, 'Maximum number of connections to an attached plugin.'),
  maxFrameSize: bytes(32 * KiB, 'Maximum number of bytes in a message of the tunnel to an attached plugin.'),
  maxUserLength: characters(128, 'Maximum length of the name of the user of an attachment in messages.'),
};
