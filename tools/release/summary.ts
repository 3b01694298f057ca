import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** File of a release. */
export interface Artifact {
  /** Path in the folder of the release, with slashes. */
  path: string;
  bytes: number;
  sha256: string;
}

const checksums = 'SHA256SUMS';

/** Reads all files of a release, in the order of their paths. */
export function readArtifacts(folder: string): Artifact[] {
  const files = globSync('**/*', { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile());
  return files
    .filter((path) => path !== checksums)
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => {
      const content = readFileSync(join(folder, path));
      return { path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    });
}

/** Writes `SHA256SUMS`, which `sha256sum --check` reads. */
export function writeChecksums(folder: string, artifacts: readonly Artifact[]): void {
  writeFileSync(join(folder, checksums), artifacts.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''));
}

/** Table of the artifacts, at most 80 columns wide. SBOMs are one row. */
export function summaryTable(artifacts: readonly Artifact[]): string {
  const sboms = artifacts.filter(({ path }) => path.startsWith('sbom/'));
  const rows = artifacts
    .filter((artifact) => !sboms.includes(artifact))
    .map(({ path, bytes, sha256 }) => [partOf(path), basename(path), sizeOf(bytes), sha256.slice(0, 12)]);
  if (sboms.length > 0) {
    const bytes = sboms.reduce((sum, artifact) => sum + artifact.bytes, 0);
    rows.push(['sbom', `${sboms.length} files *.cdx.json`, sizeOf(bytes), checksums]);
  }
  const table = [['PART', 'FILE', 'SIZE', 'SHA-256'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map(([part = '', file = '', size = '', digest = '']) =>
      [part.padEnd(widths[0] ?? 0), file.padEnd(widths[1] ?? 0), size.padStart(widths[2] ?? 0), digest].join('  '),
    )
    .join('\n');
}

function partOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

function sizeOf(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
