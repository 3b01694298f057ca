import { describe, expect, it } from 'vitest';
import { readDeclaration } from './delegation-settings.ts';

const minimal = { name: 'tables', base: { apiVersion: 'myorg.org/v1alpha1', kind: 'Table' }, api: 'Table@^1.2' };

describe('readDeclaration', () => {
  it('applies defaults', () => {
    expect(readDeclaration(minimal)).toMatchObject({
      api: 'Table',
      extensions: { path: ['spec', 'extensions'], kinds: undefined },
      preferencePath: ['spec', 'preferredImplementation'],
      rules: { fallback: 'any', mode: 'one', capabilities: {} },
      deadline: 60_000,
      resync: 600_000,
      minRequeueInterval: 1_000,
      maxStatusSize: 262_144,
      concurrency: 32,
      breaker: { timeouts: 3, coolDown: 10_000, fallback: false },
      finalize: { needed: true, whenPluginGone: 'wait' },
      handOver: 'retain',
      fieldManager: 'kplug/tables',
      finalizer: 'kplug.dev/tables',
    });
    expect(readDeclaration(minimal).rules.apiRange.test('1.3.0')).toBe(true);
    expect(readDeclaration({ ...minimal, api: 'Table' }).rules.apiRange.test('7.0.0')).toBe(true);
  });

  it('accepts durations that are longer than a timer of Node.js', () => {
    const settings = readDeclaration({ ...minimal, deadline: '720h', resync: '8760h' });
    expect(settings).toMatchObject({ deadline: 720 * 3_600_000, resync: 8_760 * 3_600_000 });
  });

  it.each([
    ['no name', { name: undefined }, /a delegation is malformed: name: /],
    [
      'a deadline of more than a year',
      { deadline: '8761h' },
      /delegation "tables" is malformed: deadline: "8761h" is too long; the longest duration is 8760h/,
    ],
    ['a tiny status', { maxStatusSize: 1_023 }, /malformed: maxStatusSize: Too small: expected number to be >=1024/],
    [
      'a huge status',
      { maxStatusSize: 1_048_577 },
      /malformed: maxStatusSize: Too big: expected number to be <=1048576/,
    ],
    ['no least interval', { minRequeueInterval: 0 }, /malformed: minRequeueInterval: "0" is not a duration/],
    ['a negative number of time-outs', { breaker: { timeouts: -1 } }, /breaker\.timeouts: /],
    ['too many time-outs', { breaker: { timeouts: 1_001 } }, /breaker\.timeouts: /],
    ['a cool-down of zero', { breaker: { coolDown: 0 } }, /breaker\.coolDown: "0" is not a duration/],
    ['a name with capitals', { name: 'Tables' }, /delegation "Tables" is malformed: name: must be lower case/],
    [
      'an invalid kind',
      { base: { apiVersion: 'myorg.org/v1', kind: 'a b' } },
      /base\.kind: must be a kind in PascalCase/,
    ],
    [
      'an invalid apiVersion',
      { base: { apiVersion: 'myorg', kind: 'Table' } },
      /base\.apiVersion: must be group\/version/,
    ],
    ['an invalid path', { extensions: { path: 'spec' } }, /extensions\.path: must be a path of fields/],
    ['an unknown fallback', { selection: { fallback: 'some' } }, /selection\.fallback: /],
    ['an empty fallback order', { selection: { fallbackOrder: [] } }, /selection\.fallbackOrder: /],
    [
      'two fallbacks',
      { selection: { fallback: 'any', fallbackOrder: ['A'] } },
      /selection\.fallbackOrder: fallback and fallbackOrder contradict each other/,
    ],
    [
      'a pattern with a malformed range',
      { selection: { fallbackOrder: ['A@latest'] } },
      /"A@latest" has a malformed version range/,
    ],
    ['an unknown field', { handover: 'finalize' }, /handover/],
    ['a concurrency of zero', { concurrency: 0 }, /concurrency: /],
  ])('refuses %s', (_, given, message) => {
    expect(() => readDeclaration({ ...minimal, ...given })).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration', message: expect.stringMatching(message) }),
    );
  });
});
