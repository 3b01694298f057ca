import type { HostedPlugin, PluginDownload } from '../../registry/hosted.ts';

/** Returns the status of a plugin whose download has failed and that isn't in the folder. */
export function notFetched(name: string, download: PluginDownload): HostedPlugin {
  return {
    name,
    state: 'failing',
    message: describeFailure(download),
    summary: describeFailure(download),
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

/** Adds to the status of a plugin that the download of another release has failed. */
export function withDownload(plugin: HostedPlugin, download: PluginDownload | undefined): HostedPlugin {
  if (!download) return plugin;
  const failure = describeFailure(download);
  const add = (text: string) => [text, failure].filter(Boolean).join('; ');
  return { ...plugin, message: add(plugin.message), summary: add(plugin.summary) };
}

function describeFailure({ item, message }: PluginDownload): string {
  return `${item} can't be downloaded: ${message}`;
}
