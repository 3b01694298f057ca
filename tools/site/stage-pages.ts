import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { changesSection } from './changes.ts';
import { slugOf } from './contents.ts';
import { type Build, type Pictures, stageHome, stagePage } from './stage-page.ts';

/** Files that lead to the home page, which the site has itself. */
const home = ['README.md', 'docs/README.md'];

/** Returns the pages of the site, as paths from the top of the repository. */
export function sitePages(repository: string): string[] {
  const files = globSync(['docs/**/*.md', 'charts/*/README.md', 'SECURITY.md', 'CONTRIBUTING.md'], { cwd: repository });
  return files.filter((file) => !home.includes(file)).sort();
}

/** Writes the pages and pictures of the site into `site/`, where Astro reads them. Writes only what has changed. */
export function stagePages(repository: string, build: Build): void {
  const site = join(repository, 'site');
  const content = join(site, 'src/content/docs');
  const files = sitePages(repository);
  const pages = new Set([...files, ...home]);
  const pictures: Pictures = new Map();
  const staged = new Map(
    files.map((file) => {
      const own = readFileSync(join(repository, file), 'utf8');
      const text = file === 'docs/versions.md' ? `${own}\n${changesSection(repository)}\n` : own;
      return [`${slugOf(file)}.md`, stagePage(file, text, pages, build, pictures)];
    }),
  );
  staged.set('index.mdx', stageHome(readFileSync(join(site, 'src/home.mdx'), 'utf8'), build));
  for (const file of globSync('**/*.{md,mdx}', { cwd: content })) {
    if (!staged.has(file)) rmSync(join(content, file));
  }
  for (const [file, text] of staged) write(join(content, file), text);
  for (const [from, to] of pictures) cpSync(join(repository, from), join(site, 'public', to));
}

function write(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
