import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { RefusalService, RefusedPluginSchema } from '@kplug/protocol';
import type { RecentRefusals, Refusal } from '../registry/recent-refusals.ts';

/** Implements `kplug.v1.RefusalService`: the registrations that were refused recently. */
export function refusalService(refusals: RecentRefusals): ServiceImpl<typeof RefusalService> {
  return {
    listRefusals: () => ({ refusals: refusals.list().map(describeRefusal), dropped: toUint32(refusals.dropped) }),
  };
}

function describeRefusal(refusal: Refusal): MessageInitShape<typeof RefusedPluginSchema> {
  const { plugin, version, apis, address, instanceId, peer, protocol, reason, message, count } = refusal;
  return {
    ...{ plugin, version, address, instanceId, peer, protocol, reason, message },
    apis: [...apis],
    firstAt: timestampFromMs(refusal.firstAt),
    lastAt: timestampFromMs(refusal.lastAt),
    count: toUint32(count),
  };
}

function toUint32(count: number): number {
  return Math.min(count, 2 ** 32 - 1);
}
