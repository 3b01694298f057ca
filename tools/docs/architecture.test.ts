import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { architectureProblems } from './architecture.ts';

const layers = { queue: [], registry: [], delegation: ['queue', 'registry'] };
const sentences = { queue: 'keyed work.', registry: 'the plugins known now.', delegation: 'one pass.' };

/** A repository with the page, a package and the folders of the controller, in which `files` replace files or add some. */
function makeRepository(files: Record<string, string> = {}): string {
  const repository = mkdtempSync(join(tmpdir(), 'kplug-architecture-'));
  onTestFinished(() => rmSync(repository, { recursive: true }));
  const all: Record<string, string> = { 'docs/architecture.md': pageOf(Object.keys(sentences)) };
  for (const [name, sentence] of Object.entries(sentences)) {
    all[`packages/controller/src/${name}/${name}.ts`] = `// ${name}/: ${sentence}\nexport {};\n`;
  }
  for (const [file, content] of Object.entries({ ...all, ...files })) {
    mkdirSync(join(repository, dirname(file)), { recursive: true });
    writeFileSync(join(repository, file), content);
  }
  return repository;
}

function pageOf(folders: readonly string[], packages: readonly string[] = ['controller']): string {
  const rows = folders.map((name) => {
    const sentence = sentences[name as keyof typeof sentences] ?? 'something else.';
    return `| [\`${name}/\`](../packages/controller/src/${name}) | ${sentence} |`;
  });
  return [
    '| folder | contents |',
    '| --- | --- |',
    ...rows,
    '',
    '| package | contents |',
    '| --- | --- |',
    ...packages.map((name) => `| [\`${name}\`](../packages/${name}) | a package. |`),
    '',
  ].join('\n');
}

function problemsWith(files: Record<string, string>): string[] {
  return architectureProblems(makeRepository(files), layers);
}

describe('the check of docs/architecture.md', () => {
  it('passes when the tables, the tree and the first lines agree', () => {
    expect(problemsWith({})).toEqual([]);
  });

  it('reports folders and packages without a row', () => {
    const problems = problemsWith({
      'packages/controller/src/admin/admin.ts': '// admin/: probes.\n',
      'packages/sdk/package.json': '{}',
    });
    expect(problems).toEqual([
      'docs/architecture.md: the folder admin has no row; add one',
      'docs/architecture.md: the package sdk has no row; add one',
    ]);
  });

  it('reports rows without a folder or a package', () => {
    const page = pageOf(['queue', 'registry', 'delegation'], ['controller', 'cli']);
    expect(problemsWith({ 'docs/architecture.md': page })).toEqual([
      'docs/architecture.md: the package cli does not exist; remove its row',
    ]);
    const problems = architectureProblems(
      makeRepository({ 'docs/architecture.md': pageOf(['queue', 'registry', 'delegation', 'serve']) }),
      { ...layers, serve: [] },
    );
    expect(problems).toContain('docs/architecture.md: the folder serve does not exist; remove its row');
  });

  it('reports folders in another order than the layers, and layers that import upwards', () => {
    const page = pageOf(['delegation', 'queue', 'registry']);
    expect(problemsWith({ 'docs/architecture.md': page })).toEqual([
      'docs/architecture.md: the folders must be in the order of .dependency-cruiser.mjs: queue, registry, delegation',
    ]);
    const upwards = { queue: ['registry'], registry: [], delegation: [] };
    expect(architectureProblems(makeRepository(), upwards)).toEqual([
      '.dependency-cruiser.mjs: queue may import registry; list it below that',
    ]);
    expect(architectureProblems(makeRepository(), { queue: [], registry: [] })).toEqual([
      '.dependency-cruiser.mjs: delegation has no layer; add it to controllerLayers',
    ]);
  });

  it('reports a missing, a different and a repeated first line', () => {
    const queue = 'packages/controller/src/queue/queue.ts';
    expect(problemsWith({ [queue]: 'export {};\n' })).toEqual([
      'packages/controller/src/queue: no file begins with "// queue/: keyed work."; add that line to its main file',
    ]);
    expect(problemsWith({ [queue]: '// queue/: work.\n' })).toEqual([
      `${queue} begins with "work.", but docs/architecture.md says "keyed work."; make them the same`,
    ]);
    const [problem] = problemsWith({ 'packages/controller/src/queue/other.ts': '// queue/: keyed work.\n' });
    expect(problem).toMatch(/other\.ts.*both begin with "\/\/ queue\/: "; keep the line in one of them/);
  });
});
