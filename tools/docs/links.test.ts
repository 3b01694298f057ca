import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { brokenLinks, linkingPages } from './links.ts';

function makeRepository(files: Record<string, string>): string {
  const repository = mkdtempSync(join(tmpdir(), 'kplug-links-'));
  onTestFinished(() => rmSync(repository, { recursive: true }));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(repository, dirname(file)), { recursive: true });
    writeFileSync(join(repository, file), content);
  }
  return repository;
}

const guide = '# A guide: `kplug get`\n\n## Twice\n\n## Twice\n\n```sh\n# not a heading\n```\n';

/** Broken links of a page in `docs`, beside a guide and a folder with a README. */
function brokenIn(page: string): string[] {
  const repository = makeRepository({
    'docs/page.md': page,
    'docs/guide.md': guide,
    'examples/one/README.md': '# One\n',
    'examples/two/main.ts': '',
  });
  return brokenLinks(repository, 'docs/page.md');
}

describe('the check of links', () => {
  it('accepts files, folders, headings and other sites', () => {
    const links = [
      '[a](guide.md)',
      '[a](guide.md#a-guide-kplug-get)',
      '[a](guide.md#twice-1 "title")',
      '[a](#here)',
      '[a](../examples/one#one)',
      '[a](../examples/two)',
      '![a](../examples/two/main.ts)',
      '[a](https://example.org/#nothing)',
      '[a](mailto:somebody@example.org)',
    ];
    expect(brokenIn(`# Here\n\n${links.join('\n')}\n`)).toEqual([]);
  });

  it('reports files and headings that do not exist', () => {
    expect(brokenIn('[a](missing.md)\n\n[b]: other.md\n')).toEqual([
      'docs/page.md: missing.md: no such file',
      'docs/page.md: other.md: no such file',
    ]);
    expect(brokenIn('[a](guide.md#not-a-heading) [a](#nowhere) [a](../examples/two#main)')).toEqual([
      'docs/page.md: guide.md#not-a-heading: no such heading',
      'docs/page.md: #nowhere: no such heading',
      'docs/page.md: ../examples/two#main: the folder has no README.md',
    ]);
    expect(brokenIn('[a](../../elsewhere.md)')).toEqual([
      'docs/page.md: ../../elsewhere.md: leads out of the repository',
    ]);
  });

  it('ignores code', () => {
    expect(brokenIn('`[a](missing.md)`\n\n```md\n[a](missing.md)\n```\n')).toEqual([]);
  });

  it('checks documentation, but no installed or generated files', () => {
    const pages = ['README.md', 'docs/guide.md', 'packages/sdk/README.md'];
    const others = ['packages/sdk/node_modules/a/README.md', 'packages/cli/templates/README.md', 'bench/notes.md'];
    const repository = makeRepository(Object.fromEntries([...pages, ...others].map((file) => [file, ''])));
    expect(linkingPages(repository)).toEqual(pages);
  });
});
