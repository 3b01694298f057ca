import { archiveOf, HostingTrial, ReleaseServer, waitOptions } from '@kplug/testing/supervisor';
import { expect, it, vi } from 'vitest';
import { MemoryResources } from '../../resources/memory/memory-resources.ts';
import type { PluginRecord } from '../../resources/services/plugin-store.ts';

it('a plugin that cannot be downloaded has a record with the failure', async () => {
  const server = await ReleaseServer.start();
  server.serve('example/wrong@v1', archiveOf({ path: 'x.sh', mode: 0o755, content: '#!/bin/sh\n' }));
  const kept = new Map<string, PluginRecord>();
  const plugins = {
    load: async () => [],
    save: async (record: PluginRecord) => void kept.set(record.name, record),
    remove: async ({ name }: { name: string }) => void kept.delete(name),
  };
  const resources = Object.assign(new MemoryResources(), { services: { plugins } });
  const list = { items: `example/wrong@v1#sha256:${'0'.repeat(64)}`, baseUrl: server.url };
  await HostingTrial.start({ list }, { resources, pluginResources: { settleTime: 10 } });
  await vi.waitFor(() => {
    expect(kept.get('folder-example.wrong')).toMatchObject({
      spec: { plugin: 'example.wrong', source: 'folder' },
      status: {
        conditions: [
          { type: 'Running', status: 'False', reason: 'Failing', message: expect.stringContaining('is required') },
        ],
      },
    });
  }, waitOptions);
});
