import { readFile } from 'node:fs/promises';
import * as grpc from '@grpc/grpc-js';
import { parseManifests } from '@kplug/controller/tools';
import { GreetingWorkspace, world } from '@kplug/testing/kplug';
import { describe, expect, it, vi } from 'vitest';
import { TestAuthority } from '../../plugin/credentials.ts';
import type { Report } from '../../report.ts';
import { WrongController } from '../../testing/index.ts';
import { conformController } from '../conform-controller.ts';

const { manifests: parsed } = parseManifests(world, { file: 'world.yaml' });
const manifests = parsed.map(({ manifest }) => manifest);

// The checks mostly wait, so more of them than of other tests run concurrently.
vi.setConfig({ maxConcurrency: 12 });

async function conform(wrong: string, only: readonly string[]): Promise<Report> {
  await using workspace = await GreetingWorkspace.make({});
  await using controller = new WrongController(wrong, workspace.manifests);
  await controller.start();
  const api = { name: 'Greeting', version: '1.0.0' };
  return await conformController(controller.address, {
    only,
    delegated: { api, manifests, folder: workspace.manifests },
    times: { answer: 3_000, call: 10_000, finalize: 6_000, retry: 5_000, quiet: 1_000, settle: 200 },
  });
}

/** Runs requirements on a controller that is reached by TLS. */
async function conformByTls(wrong: string, only: readonly string[]): Promise<Report> {
  await using workspace = await GreetingWorkspace.make({});
  await using authority = await TestAuthority.create();
  await using controller = new WrongController(wrong, workspace.manifests, authority);
  await controller.start();
  const ca = await readFile(authority.caFile, 'utf8');
  return await conformController(controller.address, {
    only,
    delegated: { api: { name: 'Greeting', version: '1.0.0' }, manifests, folder: workspace.manifests },
    times: { answer: 3_000, call: 10_000, finalize: 6_000, retry: 5_000, quiet: 1_000, settle: 200 },
    access: { credentials: grpc.credentials.createSsl(Buffer.from(ca)), ca },
  });
}

/** Describes the requirements that are not met. */
function unmet({ verdicts }: Report): string[] {
  const bad = verdicts.filter(({ result }) => result === 'failed' || result === 'warning');
  return bad.map(({ number, result, title, seen }) => `${number} ${result}: ${title}: ${seen}`);
}

const delegated = Array.from({ length: 10 }, (_, index) => `C${index + 8}`);
const v0 = Array.from({ length: 10 }, (_, index) => `C${index + 18}`);

describe.concurrent('a conformant controller', { timeout: 120_000 }, () => {
  it.each(['nothing', 'C17 work'])('passes all requirements: %s', async (wrong) => {
    const report = await conform(wrong, [...delegated, ...v0]);
    expect(unmet(report)).toEqual([]);
    const notTried = report.verdicts.filter(({ result }) => result === 'notTried').map(({ number }) => number);
    expect(notTried).toEqual(wrong === 'nothing' ? ['C10', 'C17', 'C17', 'C18'] : ['C18']);
  });
});

describe.concurrent('a controller that delegates incorrectly fails only the violated requirement', {
  timeout: 120_000,
}, () => {
  it.each([
    ['C8', ['C8 failed: calls no instance']],
    ['C8 unasked', ['C8 failed: calls no instance', 'C8 failed: verifies the instance by GetInfo']],
    ['C9', ['C9 failed: makes one call']],
    ['C10', ['C10 failed: sends the deadline']],
    ['C10 call', ['C10 failed: sends the deadline']],
    ['C10 work', ['C10 failed: cancels a call']],
    ['C11', ['C11 failed: sends all existing']],
    ['C12', Array.from({ length: 6 }, () => 'C12 failed: rejects a whole response')],
    ['C12 silent', Array.from({ length: 6 }, () => 'C12 failed: rejects a whole response')],
    ['C13', ['C13 failed: discards a response']],
    ['C14', ['C14 failed: writes the status of no']],
    ['C15 write', ['C15 failed: writes no unchanged status']],
    ['C15 loop', ['C15 failed: writes no unchanged status']],
    ['C16', ['C16 failed: reports which plugin']],
    ['C16 why', ['C16 failed: reports which plugin']],
    ['C17', ['C17 failed: uses Work only if']],
    ['C17 ended', ['C17 warning: repeats by Reconcile']],
    ['C17 large', ['C17 warning: sends large']],
  ])('%s', async (wrong, expected) => {
    const report = await conform(wrong, delegated);
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it.each([
    ['nothing', []],
    ['C36', Array.from({ length: 4 }, () => 'C36 failed: rejects a whole response')],
    ['C42', ['C42 failed: applies a dependent only when', 'C50 failed: takes a dependent for ready']],
    ['C42 report', ['C42 warning: reports which dependent', 'C50 warning: reports a dependent that']],
    ['C42 policy', ['C42 failed: changes a dependent, but none', 'C46 failed: releases']],
    ['C42 include', ['C42 failed: deletes a dependent while']],
    ['C46', ['C42 failed: deletes a dependent while', 'C46 failed: deletes dependents', 'C46 failed: releases']],
    ['C46 order', ['C42 failed: deletes a dependent while', 'C46 failed: deletes dependents']],
    ['C46 unset', ['C46 failed: deletes dependents']],
    ['C46 retain', ['C46 failed: releases']],
    ['C50', ['C50 failed: takes a dependent for ready']],
    ['C50 time', ['C50 warning: reports a dependent that']],
  ])('C36, C42, C46 and C50: %s', async (wrong, expected) => {
    const report = await conform(wrong, ['C36', 'C42', 'C46', 'C50']);
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it.each([
    ['nothing', []],
    ['C43', ['C43 failed: makes the call that an answer requests']],
    ['C43 change', ['C43 failed: makes the call that an answer requests']],
  ])('C43: %s', async (wrong, expected) => {
    expect(unmet(await conform(wrong, ['C43']))).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it.each([
    ['nothing', []],
    ['C44', ['no operation']],
    ['C44 cancelled', ['cancelled: false']],
    ['C44 kept', ['the operation in the call after SUCCESS']],
  ])('C44: %s', async (wrong, expected) => {
    const failed = expected.map((text) => expect.stringMatching(`^C44 failed: brings the operation .*: ${text}$`));
    expect(unmet(await conform(wrong, ['C44']))).toEqual(failed);
  });

  it.each([
    ['nothing', []],
    ['C45', ['C45 failed: rejects a whole response that requires']],
    ['C45 later', ['C45 failed: calls again with what a plugin requires']],
    ['C45 invented', ['C45 failed: calls again with what a plugin requires']],
  ])('C45: %s', async (wrong, expected) => {
    const report = await conform(wrong, ['C45']);
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
    expect(report.verdicts.map(({ result }) => result)).not.toContain('notTried');
  });

  it.each([
    ['nothing', []],
    ['C47', ['C47 failed: sends the capability']],
    ['C47 newest', ['C47 failed: sends the capability']],
    ['C48', ['C48 failed: keeps the version']],
    ['C48 previous', ['C48 failed: keeps the version']],
    ['C49', ['C49 failed: calls no plugin for a version']],
    ['C49 silent', ['C49 failed: calls no plugin for a version']],
  ])('C47 to C49: %s', async (wrong, expected) => {
    const report = await conform(wrong, ['C47', 'C48', 'C49']);
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  it('C33, as it does not check health', async () => {
    expect(unmet(await conform('nothing', ['C33']))).toEqual([
      expect.stringContaining('C33 failed: calls no API whose health'),
    ]);
  });

  it.each([
    ['C19', Array.from({ length: 5 }, () => 'C19 failed: answers a heartbeat')],
    ['C19 error', Array.from({ length: 5 }, () => 'C19 failed: answers a heartbeat')],
    ['C19 silent', Array.from({ length: 5 }, () => 'C19 failed: answers a heartbeat')],
    ['C20', ['C20 failed: keeps such a plugin live']],
    ['C21', ['C21 failed: parses']],
    ['C22', ['C22 failed: calls create']],
    ['C23', ['C23 failed: sends each']],
    ['C24', ['C24 failed: merges returned']],
    ['C24 nothing', ['C24 failed: merges returned']],
    ['C25', ['key that', 'not a mapping', 'not YAML'].map((what) => expect.stringContaining(what))],
    ['C25 large', ['C25 warning: rejects a whole answer of 3 MiB']],
    ['C26 again', ['C26 failed: retries a failed delete']],
    ['C26 gives up', ['C26 failed: retries a failed delete']],
    ['C27', ['C27 failed: calls nothing of such a plugin']],
  ])('%s', async (wrong, expected) => {
    const report = await conform(wrong, v0);
    expect(unmet(report)).toEqual(
      expected.map((text) => (typeof text === 'string' ? expect.stringContaining(text) : text)),
    );
  });
});

describe.concurrent('a controller that is reached by TLS', { timeout: 120_000 }, () => {
  it.each([
    ['nothing', []],
    ['C40 plain', ['C40 failed: calls an instance with a certificate by TLS only']],
    ['C40 other', ['C40 failed: calls no instance that presents another certificate']],
    ['C41 none', ['C41 failed: presents a client certificate']],
    ['C41 name', ['C41 failed: presents a client certificate']],
  ])('passes C40 and C41, or fails only the violated one: %s', async (wrong, expected) => {
    const report = await conformByTls(wrong, ['C40', 'C41']);
    expect(unmet(report)).toEqual(expected.map((text) => expect.stringContaining(text)));
    const notTried = report.verdicts.filter(({ result }) => result === 'notTried').map(({ number }) => number);
    // In plain text, no call reaches the instance with a certificate.
    expect(notTried).toEqual(wrong === 'C40 plain' ? ['C41'] : []);
  });
});
