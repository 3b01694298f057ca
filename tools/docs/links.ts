import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';

/** Pages whose links are checked. Those of templates are meant for the repositories made from them. */
const pages = ['*.md', '{docs,packages,examples,charts,test}/**/*.md'];
const ignored = ['node_modules', '.venv', 'dist', 'target', 'templates'];

/** Returns the pages of a repository whose links are checked, from its top. */
export function linkingPages(repository: string): string[] {
  const isIgnored = (path: string) => path.split('/').some((part) => ignored.includes(part));
  return globSync(pages, { cwd: repository, exclude: isIgnored }).sort();
}

/** Relative links of a page that lead to no file, or to no heading of it, each as a sentence. */
export function brokenLinks(repository: string, page: string): string[] {
  const text = readFileSync(join(repository, page), 'utf8');
  return linksIn(text).flatMap((link) => {
    const problem = problemOf(repository, page, link);
    return problem ? [`${page}: ${link}: ${problem}`] : [];
  });
}

/** Targets of the links and images in a text, without those to other sites. */
function linksIn(text: string): string[] {
  const prose = withoutCode(text);
  const inline = prose.matchAll(/\]\(<?([^()\s<>]+)>?(?:\s+"[^"]*")?\)/g);
  const definitions = prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm);
  const targets = [...inline, ...definitions].map(([, target = '']) => target);
  return targets.filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target));
}

function problemOf(repository: string, page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#', 2);
  const target = path ? join(repository, dirname(page), decodeURIComponent(path)) : join(repository, page);
  if (relative(repository, target).startsWith('..')) return 'leads out of the repository';
  if (!existsSync(target)) return 'no such file';
  if (!anchor) return undefined;
  const file = statSync(target).isDirectory() ? join(target, 'README.md') : target;
  if (extname(file) !== '.md') return undefined;
  if (!existsSync(file)) return 'the folder has no README.md';
  return anchorsIn(readFileSync(file, 'utf8')).has(anchor) ? undefined : 'no such heading';
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsIn(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutBlocks(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/(`+)[^`]+?\1/g, '');
}

function withoutBlocks(text: string): string {
  return text.replace(/^([ \t]*)(```+|~~~+)[\s\S]*?^\1\2[ \t]*$/gm, '');
}
