import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { RecentLoad } from './recent-load.ts';

describe('RecentLoad', () => {
  it('counts passes and calls of plugins, and of delegations', () => {
    const load = new RecentLoad();
    load.passed('tables', false, ['PostgreSQL']);
    load.passed('tables', true, ['postgresql', 'MariaDB']);
    load.worked('tables', 20);
    load.calling('PostgreSQL');
    load.calling('PostgreSQL');
    load.called('PostgreSQL', true, 10);
    const [postgresql, mariadb] = load.plugins();
    expect(postgresql).toMatchObject({
      plugin: 'PostgreSQL',
      inFlight: 1,
      passes: { recent: { count: 2, failed: 1, p50: undefined }, total: { count: 2 } },
      calls: { recent: { count: 1, failed: 1 }, total: { count: 1 } },
      lastCallAt: expect.any(Number),
    });
    expect(mariadb).toMatchObject({ plugin: 'MariaDB', inFlight: 0, lastCallAt: undefined });
    expect(load.passesOf('tables')).toMatchObject({ recent: { count: 2, failed: 1, p50: expect.any(Number) } });
    expect(load.passesOf('queues')).toMatchObject({ total: { count: 0, p50: undefined } });
  });

  it('counts a limited number of plugins separately', () => {
    const load = new RecentLoad();
    const { maxPluginLabels } = limits.telemetry;
    for (let index = 0; index < maxPluginLabels + 50; index++) load.passed('tables', false, [`plugin-${index}`]);
    const plugins = load.plugins();
    expect(plugins).toHaveLength(maxPluginLabels + 1);
    expect(plugins.at(-1)).toMatchObject({ plugin: undefined, passes: { total: { count: 50 } } });
    expect([load.isCounted('plugin-0'), load.isCounted('other')]).toEqual([true, false]);
  });
});
