import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import {
  type DownloadSchema,
  DownloadState,
  type HostedPluginSchema,
  HostedState,
  type HostingService,
  type OutputLineSchema,
  OutputStream,
  type ReadOutputRequest,
  type ReadOutputResponseSchema,
} from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { formatPosition, readPosition } from '../paging/position-token.ts';
import type { HostedFolder, HostedOutputLine, HostedPlugin, PluginDownload } from '../registry/hosted.ts';
import { orInvalidToken } from './page-token.ts';

const { maxPageBytes } = limits.admin;

/** Implements `kplug.v1.HostingService`: the plugins of the plugins folder, if there is one. */
export function hostingService(folder: HostedFolder | undefined): ServiceImpl<typeof HostingService> {
  const origin = randomUUID();
  return {
    readOutput: (request) => readOutput(request, folder, origin),
    listHosted: () => ({
      directory: folder?.directory ?? '',
      plugins: (folder?.list() ?? []).map(describeHosted),
      downloads: (folder?.downloads() ?? []).map(describeDownload),
    }),
  };
}

/** Reads output of the plugins with a name. @param origin identifier of this process in tokens. */
function readOutput(
  { plugin, tail, followToken }: ReadOutputRequest,
  folder: HostedFolder | undefined,
  origin: string,
): MessageInitShape<typeof ReadOutputResponseSchema> {
  const after = orInvalidToken(readPosition(followToken, origin));
  const outputs = (folder?.list() ?? [])
    .filter((one) => isNamed(one, plugin))
    .map(({ name }) => ({ name, output: folder?.output(name) }));
  if (outputs.length === 0) throw new ConnectError(`the operator runs no plugin ${plugin}`, Code.NotFound);
  const all = outputs
    .flatMap(({ name, output }) => (output?.after(after) ?? []).map((line) => ({ name, line })))
    .sort((a, b) => a.line.number - b.line.number)
    .slice(followToken || tail === 0 ? 0 : -tail);
  const lines = fitting(all);
  return {
    lines: lines.map(describeLine),
    followToken: formatPosition(lines.at(-1)?.line.number ?? after, origin),
    hasMore: lines.length < all.length,
    hasGap: after > 0 && outputs.some(({ output }) => (output?.droppedUpTo ?? 0) > after),
  };
}

/** Returns the first lines, up to the size of a page. */
function fitting<T extends { line: HostedOutputLine }>(all: readonly T[]): readonly T[] {
  let size = 0;
  const end = all.findIndex(({ line }) => {
    size += line.text.length;
    return size > maxPageBytes;
  });
  return end < 0 ? all : all.slice(0, end);
}

/** Reports whether the plugin or its file has a name. */
function isNamed({ name, plugin = '' }: HostedPlugin, wanted: string): boolean {
  return [name, plugin].some((one) => one.toLowerCase() === wanted.toLowerCase());
}

function describeLine({
  name,
  line: { pid, stream, at, text },
}: {
  name: string;
  line: HostedOutputLine;
}): MessageInitShape<typeof OutputLineSchema> {
  return { name, pid, stream: streams[stream], at: timestampFromMs(at), text: text.toWellFormed() };
}

const streams = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;

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
