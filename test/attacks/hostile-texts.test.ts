import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, RegistryService } from '@kplug/protocol';
import { expect, it, onTestFinished, vi } from 'vitest';

/** Forged line, link, clipboard, C1 control, change of direction, isolate, zero width, half of a surrogate pair. */
const hostile =
  'x\r\n[12:00:00.000] INFO: forged\u001b[2J\u001b]8;;http://evil\u0007\u001b]52;c;eA==\u0007\u009b31m\u202e\u2066\u200b\u2028';

const main = fileURLToPath(new URL('../../packages/operator/src/main.ts', import.meta.url));

/** Starts an operator on a directory whose plugins folder has one hostile program. Returns what it prints. */
async function hostileFolder(flags: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'kplug-'));
  await mkdir(join(directory, 'plugins'));
  const program = `
    const text = ${JSON.stringify(hostile)};
    console.log(text);
    console.error(JSON.stringify({ level: 50, msg: text, err: { message: text, stack: text }, [text]: text }));
    console.error(JSON.stringify({ level: 30, msg: 'long', padding: Array(50).fill('y'.repeat(100)) }));
    setTimeout(() => process.exit(3), 200);`;
  await writeFile(join(directory, 'plugins', 'hostile.mjs'), program);
  const args = ['--manifests', directory, '--plugins-dir', join(directory, 'plugins'), ...flags];
  const addresses = ['--grpc-bind-address', '127.0.0.1:0', '--admin-bind-address', '127.0.0.1:0'];
  const operator = spawn(process.execPath, [main, ...args, ...addresses], { env: { ...process.env, NO_COLOR: '1' } });
  onTestFinished(async () => {
    operator.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  const printed = { out: '', log: '' };
  operator.stdout.on('data', (chunk) => {
    printed.out += chunk;
  });
  operator.stderr.on('data', (chunk) => {
    printed.log += chunk;
  });
  return printed;
}

/** Sends a registration whose texts are hostile, which is refused. */
async function registerHostile(address: string): Promise<void> {
  const client = createGrpcClient(RegistryService, address, grpc.credentials.createInsecure());
  onTestFinished(() => client.$client.close());
  const apis = [{ name: hostile, version: hostile }];
  const registration = { plugin: hostile, version: hostile, apis, address: hostile, instanceId: hostile };
  const { answer } = await client.heartbeat({ registration });
  expect(answer.case).toBe('refusal');
}

// Without the escapes, a plugin forges lines of the log, and takes over the terminal of who reads it.
it('texts of plugins reach the log for people on one line each, with nothing that a terminal obeys', async () => {
  const printed = await hostileFolder(['--log-format', 'text']);
  await vi.waitFor(() => expect(printed.log).toMatch(/hostile.mjs.*(exited|ended|code 3)/), 30_000);
  const address = /Heartbeat address +(\S+)/.exec(printed.out)?.[1] ?? '';
  await registerHostile(address);
  await vi.waitFor(() => expect(printed.log).toContain('refused the registration'), 10_000);
  const text = printed.log + printed.out;
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  expect(text).toContain('\\u001b]52;c;eA==');
  for (const line of text.split('\n')) expect(line).not.toMatch(/^\s*\[12:00:00.000\] INFO: forged/);
  for (const line of printed.log.trimEnd().split('\n')) expect(line).toMatch(/^(\[\d\d:\d\d:\d\d\.\d{3}\] |\s)/);
});

// Without the escapes, a log in JSON has raw C1 controls and changes of direction, which `kubectl logs` prints.
it('texts of plugins reach a log in JSON as printable JSON', async () => {
  const printed = await hostileFolder(['--log-format', 'json']);
  await vi.waitFor(() => expect(printed.log).toMatch(/hostile.mjs.*(exited|ended|code 3)/), 30_000);
  expect(printed.log.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  for (const line of printed.log.trimEnd().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
});
