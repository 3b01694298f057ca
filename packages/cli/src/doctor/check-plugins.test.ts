import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  DelegationSchema,
  DownloadState,
  HostedState,
  InstanceState,
  ListHostedResponseSchema,
  PluginInstanceSchema,
  RefusalReason,
  RefusedPluginSchema,
} from '@kplug/protocol';
import { describe, expect, it } from 'vitest';
import { checkPlugins } from './check-plugins.ts';
import type { OperatorView } from './operator-view.ts';

const page = { value: { status: 200, text: '', clock: undefined } };
const choice = { manifests: '.' };

function viewWith(more: Partial<OperatorView>): OperatorView {
  return {
    place: { url: 'http://localhost:8082', origin: 'as named', namespace: 'default' },
    delegations: { value: [create(DelegationSchema, { name: 'tables', pluginApi: 'Table' })] },
    resources: { value: [] },
    instances: { value: [] },
    hosted: { value: undefined },
    refusals: { value: undefined },
    security: { value: undefined },
    readiness: page,
    metrics: page,
    ...more,
  };
}

const instance = (state: InstanceState, stateReason = '') => {
  const apis = [{ name: 'Table', version: '1.0.0' }];
  const registration = { plugin: 'SQLite', version: '1.0.0', instanceId: 'one', address: '10.0.0.1:7000', apis };
  return create(PluginInstanceSchema, { registration, state, stateReason });
};

const describeFindings = (view: OperatorView) =>
  checkPlugins(view, choice).map(({ check, outcome, message }) => `${check} ${outcome}: ${message}`);

describe('instances', () => {
  it('that are live are ok', () => {
    const instances = { value: [instance(InstanceState.LIVE), instance(InstanceState.LIVE)] };
    expect(describeFindings(viewWith({ instances }))).toEqual(['InstancesLive ok: all 2 instances are live']);
  });

  it('that are suspect or draining are reported with the reason', () => {
    const notLive = [
      instance(InstanceState.SUSPECT, 'its stream broke'),
      instance(InstanceState.LIVE),
      instance(InstanceState.DRAINING, 'it is stopping'),
    ];
    expect(describeFindings(viewWith({ instances: { value: notLive } }))).toEqual([
      'InstancesLive warning: SQLite 1.0.0 (one at 10.0.0.1:7000) is suspect: its stream broke',
      'InstancesLive warning: SQLite 1.0.0 (one at 10.0.0.1:7000) is draining: it is stopping',
    ]);
  });
});

describe('refused plugins', () => {
  const refused = (more: object, age = 0) => {
    const lastAt = timestampFromMs(Date.now() - age);
    const said = { plugin: 'Old', address: '10.0.0.7:7000', message: 'it is refused; set the flag', count: 3 };
    return create(RefusedPluginSchema, { ...said, lastAt, ...more });
  };

  it('are reported with the reason and the remedy, unless they were refused long ago', () => {
    const refusals = { value: [refused({}), refused({ plugin: 'Gone' }, 600_000)] };
    const [found, ...others] = checkPlugins(viewWith({ refusals }), choice);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      check: 'PluginsAccepted',
      outcome: 'warning',
      message: 'Old at 10.0.0.7:7000 was refused 3 times, last 0s ago: it is refused',
      advice: ['set the flag', 'kplug plugins --refused'],
    });
  });

  it('can print nothing that controls the terminal', () => {
    const refusals = { value: [refused({ plugin: '', address: '\u001b[2J', message: 'no\u0007; \u001b[31mred' })] };
    const [found] = checkPlugins(viewWith({ refusals }), choice);
    expect(found?.message).toMatch(/^a plugin without a name at /);
    const shown = [found?.message ?? '', ...(found?.advice ?? [])];
    for (const text of shown) expect(text).not.toMatch(/\p{Cc}/u);
  });
});

describe('the plugins directory', () => {
  const hostedIn = (content: object) => viewWith({ hosted: { value: create(ListHostedResponseSchema, content) } });

  it('is not checked if there is none', () => {
    expect(describeFindings(hostedIn({}))).toEqual([]);
  });

  it('is ok when all plugins run', () => {
    const plugins = [{ name: 'one.js', state: HostedState.LIVE }];
    expect(describeFindings(hostedIn({ directory: '/plugins', plugins }))).toEqual([
      'HostedPluginsRun ok: 1 plugin of the directory /plugins runs',
    ]);
  });

  it('reports failing plugins with their last output', () => {
    const lastLines = ['starting', 'no such database\u001b[0m'];
    const plugins = [
      { name: 'one.js', state: HostedState.FAILING, message: 'it ended 5 times in a row', lastLines },
      { name: 'two.js', state: HostedState.BACK_OFF, lastExit: 'exit code 1' },
      { name: 'three.js', state: HostedState.ENDED, lastExit: 'exit code 0' },
      { name: 'four', state: HostedState.LIVE, message: 'its plugin.yaml is malformed' },
      { name: 'five.js', state: HostedState.LIVE },
    ];
    const downloads = [
      { item: 'org/six@v1', state: DownloadState.FAILED, message: 'there is no such release' },
      { item: 'org/seven@v1', state: DownloadState.READY },
    ];
    const view = hostedIn({ directory: '/plugins', plugins, downloads });
    expect(describeFindings(view)).toEqual([
      'HostedPluginsRun problem: /plugins/one.js is failing: it ended 5 times in a row; last output: no such database\\u001b[0m',
      'HostedPluginsRun problem: /plugins/two.js exited and will be restarted: exit code 1',
      'HostedPluginsRun warning: /plugins/three.js exited, and its restart policy does not restart it: exit code 0',
      'HostedPluginsRun warning: /plugins/four: its plugin.yaml is malformed',
      'PluginsDownloaded problem: cannot fetch org/six@v1: there is no such release',
    ]);
    expect(checkPlugins(view, choice)[0]?.advice).toEqual(['kplug plugins describe one.js']);
  });
});
describe('plugins that were refused for their identity', () => {
  it.each([
    [RefusalReason.UNAUTHENTICATED, 'UNAUTHENTICATED', 'the call has no token; mount one'],
    [RefusalReason.FORBIDDEN, 'FORBIDDEN', 'serviceaccount:b/c may not be the plugin SQLite; add it to plugins.from'],
    [
      RefusalReason.NAME_TAKEN,
      'NAME_TAKEN',
      'the plugin name "SQLite" belongs to serviceaccount:a/b; choose another name',
    ],
  ])('are reported with the reason and the remedy: %s', (reason, code, message) => {
    const lastAt = timestampFromMs(Date.now());
    const refused = { plugin: 'SQLite', version: '1.0.0', address: '10.0.0.1:7000', reason, message, count: 1, lastAt };
    const [problem, remedy] = message.split('; ');
    const view = viewWith({ refusals: { value: [create(RefusedPluginSchema, refused)] } });
    const found = checkPlugins(view, choice).find(({ check }) => check === 'PluginsAccepted');
    expect(found?.message).toBe(`SQLite 1.0.0 at 10.0.0.1:7000 was refused, last 0s ago: ${code}: ${problem}`);
    expect(found?.advice).toEqual([remedy, 'kplug plugins --refused']);
  });
});
