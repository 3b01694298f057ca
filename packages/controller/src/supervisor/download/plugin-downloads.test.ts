import { rm } from 'node:fs/promises';
import {
  archiveOf,
  HostingTrial,
  makeFolder,
  moduleOf,
  ReleaseServer,
  sha256Of,
  waitOptions,
} from '@kplug/testing/supervisor';
import { describe, expect, it, vi } from 'vitest';

const backOff = { initial: 20, max: 100 };

/** A release of a module for the SDK. */
const releaseOf = (version: string) =>
  archiveOf(
    { path: 'main.mjs', content: moduleOf({ version }) },
    { path: 'plugin.yaml', content: 'command: ./main.mjs\n' },
  );

describe('plugins of a list', { timeout: 60_000 }, () => {
  it('are downloaded and run; failed downloads are reported and retried', async () => {
    const server = await ReleaseServer.start();
    const good = releaseOf('1.0.0');
    const sha256 = sha256Of(good);
    server.serve('example/good@v1', good);
    server.serve('example/wrong@v1', good);
    const wrong = `example/wrong@v1#sha256:${'0'.repeat(64)}`;
    const items = `example/missing@v1, ${wrong}, example/good@v1#sha256:${sha256}`;
    const trial = await HostingTrial.start({ list: { items, baseUrl: server.url, backOff } });
    await trial.expectState('example.good', 'live', { plugin: 'Folder', version: '1.0.0' });
    const missing = await trial.expectState('example.missing', 'failing');
    expect(missing.message).toContain("example/missing@v1 can't be downloaded: no such release");
    const mismatch = await trial.expectState('example.wrong', 'failing');
    expect(mismatch.message).toContain(`has the SHA-256 ${sha256}, but ${'0'.repeat(64)} is required`);
    expect(trial.log.filter(({ level }) => level === 50).map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/^example\/missing@v1 can't be downloaded: .*; retrying in \d+ ms$/),
    );
    const states = () => trial.folder.downloads().map(({ item, state }) => [item.slice(0, 15), state]);
    // A retry is downloading for a moment.
    await vi.waitFor(() => {
      expect(states()).toEqual([
        ['example/missing', 'failed'],
        ['example/wrong@v', 'failed'],
        ['example/good@v1', 'ready'],
      ]);
    }, waitOptions);
    expect(trial.folder.downloads()[2]).toMatchObject({ received: good.length, total: good.length, message: '' });

    server.serve(
      'example/missing@v1',
      archiveOf({ path: 'x.sh', mode: 0o755, content: '#!/bin/sh\nexec sleep 600\n' }),
    );
    await trial.expectState('example.missing', 'starting');
    await trial.operator.controller.stop();
  });

  it('stay across restarts, and are replaced by another release', async () => {
    const server = await ReleaseServer.start();
    const directory = await makeFolder();
    server.serve('example/good@v1', releaseOf('1.0.0'));
    server.serve('example/good@v2', releaseOf('2.0.0'));
    const listOf = (release: string) => ({ items: `example/good@${release}`, baseUrl: server.url, backOff });
    const first = await HostingTrial.start({ directory, list: listOf('v1') });
    await first.expectState('example.good', 'live', { version: '1.0.0' });
    await first.operator.controller.stop();
    const second = await HostingTrial.start({ directory, list: listOf('v1') });
    await second.expectState('example.good', 'live', { version: '1.0.0' });
    await second.operator.controller.stop();
    expect(server.requests).toHaveLength(1);
    // The former release runs until the new one is installed.
    const third = await HostingTrial.start({ directory, list: listOf('v2') });
    await third.expectState('example.good', 'live', { version: '2.0.0' });
    await rm(third.path('example.good'));
    await third.expectGone('example.good');
  });
});

it('a malformed list is refused by the constructor of the controller', async () => {
  await expect(HostingTrial.start({ list: { items: 'nonsense' } })).rejects.toThrow(
    '"nonsense" is not a plugin to download',
  );
});
