import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readArtifacts, summaryTable, writeChecksums } from './summary.ts';

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'kplug-summary-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

it('lists the artifacts in a table of at most 80 columns', () => {
  const folder = folderOf({
    'npm/kplug-cli-0.1.0.tgz': 'x'.repeat(1234),
    'go/kplug.dev/sdk-go/@v/v0.1.0.zip': '',
    'python/kplug-0.1.0-py3-none-any.whl': 'x'.repeat(2_345_678),
    'sbom/kplug-cli.cdx.json': '{}',
    'sbom/kplug-sdk.cdx.json': '{}',
    'notes.md': '# Kplug 0.1.0\n',
  });
  const table = summaryTable(readArtifacts(folder));
  expect(table).toMatchInlineSnapshot(`
    "PART    FILE                            SIZE  SHA-256
    go      v0.1.0.zip                    0.0 kB  e3b0c44298fc
            notes.md                      0.0 kB  097947518737
    npm     kplug-cli-0.1.0.tgz           1.2 kB  0be279b0410c
    python  kplug-0.1.0-py3-none-any.whl  2.3 MB  a45acecccdec
    sbom    2 files *.cdx.json            0.0 kB  SHA256SUMS"
  `);
  expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

it('writes checksums that sha256sum verifies', () => {
  const folder = folderOf({ 'npm/a.tgz': 'a', 'b.txt': 'b' });
  writeChecksums(folder, readArtifacts(folder));
  const verify = () => execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder, stdio: 'pipe' });
  expect(String(verify())).toBe('b.txt: OK\nnpm/a.tgz: OK\n');
  writeFileSync(join(folder, 'npm/a.tgz'), 'other');
  expect(verify).toThrow();
});
