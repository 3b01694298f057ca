import type { HostedPlugin, PluginDownload } from '../../registry/hosted.ts';

/** A plugin whose download has failed, and of which nothing is in the folder. */
export function notFetched(name: string, download: PluginDownload): HostedPlugin {
  return {
    name,
    state: 'failing',
    message: messageOf(download),
    plugin: undefined,
    version: undefined,
    instanceId: undefined,
    pid: undefined,
    failures: 0,
    restarts: 0,
    lastExit: undefined,
    lastLines: [],
    since: download.since,
    nextStartAt: download.nextTryAt,
  };
}

/** A plugin that runs in a former release, as the download of another has failed. */
export function withDownload(plugin: HostedPlugin, download: PluginDownload | undefined): HostedPlugin {
  if (!download) return plugin;
  return { ...plugin, message: [plugin.message, messageOf(download)].filter(Boolean).join('; ') };
}

function messageOf({ item, message }: PluginDownload): string {
  return `${item} can't be fetched: ${message}`;
}
