import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { installPythonFor, pythonPackage } from '../../tools/python/environment.ts';
import { snippetsIn } from './snippets.ts';

const execute = promisify(execFile);

// In CI, a missing toolchain is a failure.
const python = await installPythonFor('the test of snippets in Python');

/** Module that a snippet imports as the reader's own code. */
const backups = `class Backup:
    id: str
    done: bool
    percentage: int
    location: str

def find_backup(database: str, token: str) -> Backup | None: ...
def start_backup(database: str) -> Backup: return Backup()
def cancel_backup(backup: Backup) -> None: ...
`;

/** Module with the manifests of a capability. */
const manifests = join(pythonPackage, 'tests/plugins/manifests.py');

it.skipIf(!python)('every snippet in Python passes mypy, and the tests among them pass', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-snippets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const snippets = snippetsIn('python');
  expect(snippets.length).toBeGreaterThan(3);
  for (const [index, { code }] of snippets.entries()) {
    // The guide imports its first snippet as `greeter`.
    const isGreeter = code.includes('"Greeter"');
    const name = code.includes('\ndef test_') ? `test_${index}.py` : `snippet_${index}.py`;
    writeFileSync(join(folder, isGreeter ? 'greeter.py' : name), code);
  }
  writeFileSync(join(folder, 'backups.py'), backups);
  copyFileSync(manifests, join(folder, 'manifests.py'));
  const args = ['-m', 'mypy', '--strict', '--python-version', '3.10', '.'];
  const { stdout } = await execute(python ?? '', args, { cwd: folder }).catch((failure: { stdout: string }) => failure);
  expect(stdout).toContain('Success: no issues found');

  const pytest = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'no:asyncio'];
  const tests = await execute(python ?? '', pytest, { cwd: folder }).catch((failure: { stdout: string }) => failure);
  expect(tests.stdout).toContain('4 passed');
});
