import { parseManifests } from '@kplug/controller';
import { GreetingWorkspace, world } from '@kplug/testing/kplug';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../report.ts';
import { WrongController } from '../../testing/wrong-controller.ts';
import { conformController } from '../conform-controller.ts';

const { manifests: parsed } = parseManifests(world, { file: 'world.yaml' });
const manifests = parsed.map(({ manifest }) => manifest);

async function tryController(wrong: string, only: readonly string[]): Promise<Report> {
  await using workspace = await GreetingWorkspace.make({});
  await using controller = new WrongController(wrong, workspace.manifests);
  await controller.start();
  const api = { name: 'Greeting', version: '1.0.0' };
  return await conformController(controller.address, {
    only,
    delegated: { api, manifests, folder: workspace.manifests },
  });
}

/** What isn't met, as `C9 failed`. */
function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, result, title, seen }) => `${number} ${result}: ${title}: ${seen}`);
}

const delegated = Array.from({ length: 10 }, (_, index) => `C${index + 8}`);
const v0 = Array.from({ length: 10 }, (_, index) => `C${index + 18}`);

describe.concurrent('a controller that delegates rightly', { timeout: 120_000 }, () => {
  it.each(['nothing', 'C17 work'])('passes: %s', async (wrong) => {
    const report = await tryController(wrong, [...delegated, ...v0]);
    expect(unmet(report)).toEqual([]);
    const notTried = report.verdicts.filter(({ result }) => result === 'notTried').map(({ number }) => number);
    expect(notTried).toEqual(wrong === 'nothing' ? ['C10', 'C17', 'C17', 'C18'] : ['C18']);
  });
});

describe.concurrent('a controller that delegates wrongly fails what it breaks, and nothing else', {
  timeout: 120_000,
}, () => {
  it.each([
    ['C8', ['C8 failed: calls no instance']],
    ['C8 unasked', ['C8 failed: calls no instance', 'C8 failed: makes sure by GetInfo']],
    ['C9', ['C9 failed: makes one call']],
    ['C10', ['C10 failed: sends the deadline']],
    ['C10 call', ['C10 failed: sends the deadline']],
    ['C10 work', ['C10 failed: cancels a call']],
    ['C11', ['C11 failed: sends all']],
    ['C12', Array.from({ length: 6 }, () => 'C12 failed: refuses a response')],
    ['C12 silent', Array.from({ length: 6 }, () => 'C12 failed: refuses a response')],
    ['C13', ['C13 failed: throws away']],
    ['C14', ['C14 failed: writes a status']],
    ['C15 write', ['C15 failed: writes no status']],
    ['C15 loop', ['C15 failed: writes no status']],
    ['C16', ['C16 failed: says which plugin']],
    ['C16 why', ['C16 failed: says which plugin']],
    ['C17', ['C17 failed: uses Work only']],
    ['C17 ended', ['C17 warning: calls by Reconcile']],
    ['C17 large', ['C17 warning: makes large']],
  ])('%s', async (wrong, expected) => {
    const report = await tryController(wrong, delegated);
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it('C36, as it knows nothing of dependents', async () => {
    expect(unmet(await tryController('nothing', ['C36']))).toEqual([
      expect.stringContaining('C36 failed: refuses a response whole'),
    ]);
  });

  it('C33, as it knows nothing of health', async () => {
    expect(unmet(await tryController('nothing', ['C33']))).toEqual([
      expect.stringContaining('C33 failed: calls no API'),
    ]);
  });

  it.each([
    ['C19', Array.from({ length: 5 }, () => 'C19 failed: answers a heartbeat')],
    ['C19 error', Array.from({ length: 5 }, () => 'C19 failed: answers a heartbeat')],
    ['C19 silent', Array.from({ length: 5 }, () => 'C19 failed: answers a heartbeat')],
    ['C20', ['C20 failed: believes']],
    ['C21', ['C21 failed: reads']],
    ['C22', ['C22 failed: calls create']],
    ['C23', ['C23 failed: sends each']],
    ['C24', ['C24 failed: merges']],
    ['C24 nothing', ['C24 failed: merges']],
    ['C25', ['key that', 'no mapping', 'no YAML'].map((what) => expect.stringContaining(what))],
    ['C25 large', ['C25 warning: refuses an answer of 3 MiB']],
    ['C26 again', ['C26 failed: tries a delete']],
    ['C26 gives up', ['C26 failed: tries a delete']],
    ['C27', ['C27 failed: asks such a plugin']],
  ])('%s', async (wrong, expected) => {
    // To see for how long a plugin is believed takes that long.
    const only = wrong === 'C20' ? ['C20'] : v0.filter((number) => number !== 'C20');
    const report = await tryController(wrong, only);
    expect(unmet(report)).toEqual(
      expected.map((text) => (typeof text === 'string' ? expect.stringContaining(text) : text)),
    );
  });
});
