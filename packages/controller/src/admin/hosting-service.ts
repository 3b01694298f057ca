import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  type DownloadSchema,
  DownloadState,
  type HostedPluginSchema,
  HostedState,
  type HostingService,
} from '@kplug/protocol';
import type { HostedFolder, HostedPlugin, PluginDownload } from '../registry/hosted.ts';

/** Implements `kplug.v1.HostingService`: the plugins of the plugins folder, if there is one. */
export function hostingService(folder: HostedFolder | undefined): ServiceImpl<typeof HostingService> {
  return {
    listHosted: () => ({
      directory: folder?.directory ?? '',
      plugins: (folder?.list() ?? []).map(describeHosted),
      downloads: (folder?.downloads() ?? []).map(describeDownload),
    }),
  };
}

const states = {
  starting: HostedState.STARTING,
  live: HostedState.LIVE,
  draining: HostedState.DRAINING,
  'back-off': HostedState.BACK_OFF,
  failing: HostedState.FAILING,
  ended: HostedState.ENDED,
} as const;

const downloadStates = {
  waiting: DownloadState.WAITING,
  downloading: DownloadState.DOWNLOADING,
  unpacking: DownloadState.UNPACKING,
  ready: DownloadState.READY,
  failed: DownloadState.FAILED,
} as const;

function describeHosted(hosted: HostedPlugin): MessageInitShape<typeof HostedPluginSchema> {
  const { name, message, plugin = '', version = '', instanceId = '', pid = 0, restarts, lastExit = '' } = hosted;
  return {
    ...{ name, message, plugin, version, instanceId, pid, restarts, lastExit },
    state: states[hosted.state],
    lastLines: [...hosted.lastLines],
    since: timestampFromMs(hosted.since),
    ...(hosted.nextStartAt === undefined ? {} : { nextStartAt: timestampFromMs(hosted.nextStartAt) }),
  };
}

function describeDownload(download: PluginDownload): MessageInitShape<typeof DownloadSchema> {
  const { item, state, message, received, total = 0, nextTryAt } = download;
  return {
    ...{ item, message },
    state: downloadStates[state],
    receivedBytes: BigInt(received),
    totalBytes: BigInt(total),
    ...(nextTryAt === undefined ? {} : { nextTryAt: timestampFromMs(nextTryAt) }),
  };
}
