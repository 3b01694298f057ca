// Readers of files, resources, settings and command lines, with generated input. Nothing but the documented error may be thrown.
import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KplugError } from '@kplug/controller';
import { findDelegationFaults, parseDuration, parseManifests, parsePluginList } from '@kplug/controller/tools';
import { formatJson, parseJson, readYaml } from '@kplug/protocol';
import { PluginError } from '@kplug/sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CommandError } from '../../packages/cli/src/command-error.ts';
import { readDuration } from '../../packages/cli/src/input/read-duration.ts';
import { readResourceName } from '../../packages/cli/src/input/resource-name.ts';
import { readCall } from '../../packages/cli/src/record/read-calls.ts';
import { readDeclaration } from '../../packages/controller/src/delegation/delegation-settings.ts';
import { judge } from '../../packages/controller/src/delegation-resources/delegation-resource.ts';
import { formatCheckedLine } from '../../packages/controller/src/files/checked-lines.ts';
import { checkManifest } from '../../packages/controller/src/resources/check-manifest.ts';
import { readHeldDeletions } from '../../packages/controller/src/resources/directory/held-deletions.ts';
import { readLockFile } from '../../packages/controller/src/resources/directory/lock-file.ts';
import {
  formatStateRecord,
  parseRecord,
  parseState,
  type ResourceState,
  readStateRecord,
} from '../../packages/controller/src/resources/directory/state-file.ts';
import { formatHeader, readJournal } from '../../packages/controller/src/resources/directory/state-journal.ts';
import { findJsonFault, jsonEquals } from '../../packages/controller/src/resources/json.ts';
import { type JsonObject, type JsonValue, keyOf } from '../../packages/controller/src/resources/resource.ts';
import { formatYaml } from '../../packages/controller/src/resources/yaml/format-yaml.ts';
import { parsePattern, parseRange } from '../../packages/controller/src/selection/preference.ts';
import { parseListenAddress } from '../../packages/controller/src/settings/listen-address.ts';
import { readLogLine } from '../../packages/controller/src/supervisor/log-line.ts';
import { readPluginFile } from '../../packages/controller/src/supervisor/plugin-file.ts';
import { defaultRunSettings } from '../../packages/controller/src/supervisor/program.ts';
import { readConfigurationFile } from '../../packages/operator/src/configuration-file.ts';
import { readSettings } from '../../packages/sdk/src/environment.ts';
import { anyJson, anyText, anyYaml, fuzz, fuzzAsync, objectsWith, orError, textsOf } from './fuzz.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'kplug-fuzz-'));
const names = fc.constantFrom('users', 'a.b', 'A', '', '__proto__', 'x'.repeat(254));
const metadata = objectsWith({
  name: names,
  namespace: fc.constantFrom('default', 'a b'),
  labels: fc.constant({ a: 'b' }),
});
const manifests = objectsWith({
  apiVersion: fc.constantFrom('v1', 'a.org/v1', 'a/b/c'),
  kind: fc.constantFrom('Table', 'List', '1'),
  metadata,
  spec: anyJson,
});
const json = (value: unknown) => orError(() => formatJson(value), RangeError) ?? '{}';

it('manifests are read, or their problems are reported', () => {
  fuzz(
    fc.oneof(
      anyYaml,
      manifests.map(json),
      anyYaml.map((text) => `apiVersion: a.org/v1\nkind: A\nmetadata: { name: a }\nspec:\n  ${text}`),
    ),
    5_000,
    (text) => {
      const { manifests: read, problems } = parseManifests(text, { file: 'a.yaml' });
      for (const { manifest } of read) expect(findJsonFault(manifest)).toBeUndefined();
      for (const { message, line = 1 } of problems) {
        expect(message.length).toBeLessThan(3_000);
        expect(line).toBeGreaterThan(0);
      }
    },
  );
});

it('manifests that are written as YAML are read as they were', () => {
  fuzz(manifests, 3_000, (value) => {
    const { manifest } = checkManifest(value);
    if (!manifest) return;
    const { manifests: read, problems } = parseManifests(formatYaml(manifest as JsonObject), { file: 'a.yaml' });
    expect(problems).toEqual([]);
    if (manifest.kind !== 'List') expect(jsonEquals(read[0]?.manifest as JsonValue, manifest as JsonValue)).toBe(true);
  });
});

it('YAML of one document is read, or its fault is returned', () => {
  const bounds = { maxTokens: 200, maxDepth: 10, maxAliases: 5, maxAliasedValues: 20 };
  fuzz(anyYaml, 4_000, (text) => {
    const { value, fault } = readYaml(text, bounds);
    if (fault) expect(fault.offset).toBeLessThanOrEqual(text.length);
    // A value without cycles can be formatted.
    else
      expect(typeof JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner))).toBe(
        'string',
      );
  });
});

const kinds = fc.constantFrom(
  { apiVersion: 'a.org/v1', kind: 'Table' },
  { apiVersion: 'v1', kind: 'A', group: '' },
  {},
);
const durations = textsOf('1', '5', '.', 'ms', 's', 'm', 'h', '9'.repeat(400), '-', ' ');
const ranges = textsOf(
  '1',
  '2',
  '.',
  '^',
  '~',
  '>=',
  '<',
  '||',
  ' - ',
  'x',
  '*',
  '1.0.0',
  '-rc.1',
  '@',
  ' ',
  '9007199254740993',
);
const declarations = objectsWith({
  name: fc.constantFrom('tables', 'a'),
  base: kinds,
  api: fc.oneof(
    fc.constant('Table@^1.0.0'),
    ranges.map((range) => `Table@${range}`),
  ),
  extensions: objectsWith({
    path: fc.constantFrom('spec.a', '.spec[0]', '__proto__'),
    kinds: fc.array(kinds, { maxLength: 2 }),
  }),
  selection: objectsWith({
    preferencePath: fc.constant('spec.a'),
    fallback: fc.constantFrom('any', 'none'),
    mode: fc.constantFrom('one', 'all'),
  }),
  namespaces: fc.array(anyText, { maxLength: 2 }),
  concurrency: fc.integer({ min: -1, max: 20_000 }),
  deadline: fc.oneof(durations, fc.integer()),
  backOff: objectsWith({ initial: durations, max: durations }),
  dependents: objectsWith({ kinds: fc.array(kinds, { maxLength: 2 }) }),
});

it('delegations are read, or refused with the same verdict everywhere', () => {
  fuzz(declarations, 2_500, (declaration) => {
    const faults = findDelegationFaults(declaration);
    const settings = orError(() => readDeclaration(declaration), KplugError);
    expect(settings === undefined).toBe(faults.length > 0);
    if (settings) expect(settings.concurrency).toBeGreaterThan(0);
  });
  const times = { uid: '1', generation: 1, resourceVersion: '1', creationTimestamp: '2024-01-01T00:00:00Z' };
  fuzz(fc.array(declarations, { maxLength: 3 }), 500, (specs) => {
    const resources = specs.map((spec, index) => ({
      apiVersion: 'delegations.kplug.dev/v1alpha1',
      kind: 'Delegation',
      metadata: { ...times, name: `d${index}`, namespace: 'default' },
      spec: spec as JsonObject,
    }));
    expect(judge(resources, []).size).toBe(resources.length);
  });
});

it('configuration files are read, or refused with file and line', async () => {
  const file = join(folder, 'kplug.yaml');
  const contents = fc.oneof(
    anyYaml,
    anyYaml.map((text) => `delegations:\n  - ${text}`),
    objectsWith({
      delegations: fc.array(declarations, { maxLength: 2 }),
      ttl: durations,
      logLevel: anyText,
      namespaces: anyJson,
    }).map(json),
  );
  await fuzzAsync(contents, 600, async (text) => {
    await writeFile(file, text);
    const read = await readConfigurationFile(file).catch((error: unknown) => {
      if (error instanceof KplugError) return error.message;
      throw error;
    });
    if (typeof read === 'string') expect(read.startsWith(file)).toBe(true);
  });
});

it('plugin.yaml is read, or refused with file and line', () => {
  const contents = objectsWith({
    command: fc.constantFrom('./plugin', ''),
    arguments: fc.array(anyText, { maxLength: 2 }),
    environment: objectsWith({ LOG_LEVEL: anyText, KPLUG_TOKEN: anyText }),
    resources: objectsWith({
      memory: textsOf('1', '256', 'Mi', 'Gi', '.'),
      openFiles: fc.integer(),
      niceness: fc.integer(),
    }),
    drainTimeout: durations,
  });
  fuzz(fc.oneof(anyYaml, contents.map(json)), 3_000, (text) => {
    const read = orError(() => readPluginFile(text, 'plugin.yaml', defaultRunSettings), KplugError);
    if (read) expect(read.command).not.toBe('');
  });
});

it('ranges and patterns of plugins are read, or refused', () => {
  fuzz(fc.oneof(ranges, anyText), 4_000, (text) => {
    orError(() => parseRange(text), KplugError);
    orError(() => parsePattern(text), KplugError);
  });
});

it('durations are read as finite times', () => {
  fuzz(fc.oneof(durations, anyText), 4_000, (text) => {
    const time = parseDuration(text);
    if (time !== undefined) expect(time).toBeLessThan(Number.POSITIVE_INFINITY);
    const option = orError(() => readDuration(text, '--timeout'), CommandError);
    if (option !== undefined) expect(option).toBeGreaterThan(0);
  });
});

const state = fc
  .record({
    source: anyText,
    spec: anyJson,
    status: objectsWith({ a: anyJson }),
    name: fc.constantFrom('users', 'a'.repeat(250)),
  })
  .map(
    ({ source, spec, status, name }): ResourceState => ({
      source,
      resource: {
        apiVersion: 'a.org/v1',
        kind: 'Table',
        metadata: {
          name,
          namespace: 'default',
          uid: '1',
          generation: 1,
          resourceVersion: '1',
          creationTimestamp: '2024-01-01T00:00:00Z',
        },
        spec: { spec } as JsonObject,
      },
      statuses: new Map([['kplug/tables', status as JsonObject]]),
    }),
  );

it('states that are written are read as they were, and others are refused', () => {
  fuzz(state, 2_500, (written) => {
    if (findJsonFault(written.resource.spec) || findJsonFault([...written.statuses.values()])) return;
    const record = parseRecord(formatStateRecord(keyOf(written.resource), written)) ?? expect.fail('no record');
    const read = readStateRecord(record);
    expect(read.source).toBe(written.source);
    expect(jsonEquals(read.resource.spec, written.resource.spec)).toBe(true);
    expect(jsonEquals([...read.statuses.values()], [...written.statuses.values()])).toBe(true);
  });
  const records = objectsWith({
    key: anyText,
    source: anyText,
    removed: fc.boolean(),
    resource: manifests,
    statuses: anyJson,
  });
  fuzz(records, 2_500, (content) => {
    const text = json(content);
    const record = orError(() => parseRecord(text), SyntaxError);
    if (record) orError(() => readStateRecord(record), Error);
    orError(() => parseState(text, 'states/a.json'), Error);
  });
});

it('files of the state folder are read whatever is in them', async () => {
  const lines = fc.array(
    fc.oneof(
      anyText,
      manifests.map((value) => formatCheckedLine(json(value))),
    ),
    { maxLength: 4 },
  );
  const contents = fc.oneof(
    anyText,
    lines.map((list) => formatHeader() + list.join('\n')),
    objectsWith({
      formatVersion: fc.constantFrom(1, 2),
      deletions: fc.array(objectsWith({ key: anyText, uid: anyText, source: anyText })),
      pid: fc.integer(),
      host: anyText,
      token: anyText,
    }).map(json),
  );
  await fuzzAsync(contents, 300, async (text) => {
    const file = join(folder, 'held-deletions.json');
    await writeFile(file, text);
    expect(Array.isArray(await readHeldDeletions(folder))).toBe(true);
    const lock = await readLockFile(file);
    expect(lock?.holder === undefined || Number.isInteger(lock.holder.pid)).toBe(true);
    await readJournal(file).catch((error: unknown) => {
      if (!(error instanceof KplugError)) throw error;
    });
  });
});

it('JSON that is written is read as it was', () => {
  fuzz(anyJson, 4_000, (value) => {
    const text = orError(() => formatJson(value), RangeError);
    if (text !== undefined) expect(jsonEquals(parseJson(text) as JsonValue, value as JsonValue)).toBe(true);
  });
  fuzz(
    fc.oneof(anyText, textsOf('{', '}', '[', ']', ',', ':', '"a"', '1', '9007199254740993', '1e999', 'null')),
    3_000,
    (text) => {
      orError(() => parseJson(text), SyntaxError);
    },
  );
});

it('lines of output of plugins are read as a level and a message', () => {
  fuzz(
    fc.oneof(
      anyText,
      anyJson.map(json),
      textsOf('2024-01-01', 'T', '00:00:00', ' ', '[', ']', 'INFO', 'level=', 'warn', ':'),
    ),
    3_000,
    (line) => {
      const { level, message, fields = {} } = readLogLine(line, 'stdout');
      expect(['debug', 'info', 'warn', 'error']).toContain(level);
      expect(typeof message).toBe('string');
      expect(Object.getPrototypeOf({ ...fields })).toBe(Object.prototype);
    },
  );
});

it('settings of the SDK are read from any environment, or refused', () => {
  const variables = [
    'CONTROLLER',
    'ADDRESS',
    'BIND_ADDRESS',
    'WEIGHT',
    'LABELS',
    'TTL',
    'HEARTBEAT_INTERVAL',
    'PROTOCOL',
    'POD_NAME',
    'POD_NAMESPACE',
    'DRAIN_TIMEOUT',
    'MAX_MESSAGE_SIZE',
  ];
  const values = fc.oneof(
    anyText,
    textsOf('1', '0', 'x', ' ', '1e3', 'zone=a', ',', '__proto__=x', '=', ':7000', 'localhost:1'),
  );
  const environments = fc.array(fc.tuple(fc.constantFrom(...variables), values), { maxLength: 3 });
  fuzz(environments, 4_000, (entries) => {
    const env = Object.fromEntries(entries.map(([name, value]) => [`KPLUG_${name}`, value]));
    const settings = orError(() => readSettings({}, env), PluginError);
    if (!settings) return;
    for (const number of [settings.weight, settings.drainTimeout, settings.maxMessageSize])
      expect(Number.isSafeInteger(number)).toBe(true);
    for (const [name, value] of Object.entries(settings.labels)) expect(typeof `${name}${value}`).toBe('string');
    const pairs = (env.KPLUG_LABELS ?? '').split(',').filter((pair) => pair.trim());
    expect(Object.keys(settings.labels).length).toBe(
      new Set(pairs.map((pair) => pair.slice(0, pair.indexOf('=')).trim())).size,
    );
  });
});

it('arguments of commands are read, or refused', () => {
  fuzz(
    fc.tuple(textsOf('greeting', '/', 'world', '.', ' '), fc.option(anyText, { nil: undefined })),
    1_500,
    ([target, name]) => {
      const read = orError(() => readResourceName(target, name), CommandError);
      if (read) expect(read.kind).not.toBe('');
    },
  );
  fuzz(fc.oneof(textsOf('a', '/', '@', '1.0.0', '#sha256:', 'a'.repeat(64), ',', ' '), anyText), 1_500, (text) => {
    orError(() => parsePluginList(text), KplugError);
  });
  fuzz(fc.oneof(textsOf(':', '127.0.0.1', '[', ']', '::1', '50050', '99999'), anyText), 1_500, (text) => {
    const address = orError(() => parseListenAddress(text, '--admin-bind-address'), KplugError);
    if (address) expect(address.port).toBeLessThan(65_536);
  });
  const calls = objectsWith({
    method: fc.constantFrom('Reconcile', 'Finalize'),
    request: objectsWith({ base: objectsWith({ json: anyJson }), extensions: anyJson }),
    response: objectsWith({
      outcome: fc.constantFrom('OUTCOME_SUCCESS', 1),
      baseStatus: anyJson,
      extensionStatuses: anyJson,
    }),
  });
  fuzz(fc.oneof(anyText, calls.map(json)), 1_500, (line) => {
    orError(() => readCall(line, 'calls.jsonl:1'), CommandError);
  });
});
