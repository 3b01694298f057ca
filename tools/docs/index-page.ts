import { posix } from 'node:path';
import { contents } from '../site/contents.ts';
import { type GeneratedPage, generatedBy, page, table } from './reference/markdown.ts';

/** Index of `docs/`, which GitHub shows for the folder. The site has the same sections in its sidebar. */
export function indexPage(): GeneratedPage {
  const sections = contents.flatMap(({ label, entries }) => {
    const rows = entries.map(({ file, label, purpose }) => [`[${label}](${posix.relative('docs', file)})`, purpose]);
    return [`## ${label}`, table(['page', 'contents'], rows)];
  });
  const content = page(
    '# Documentation',
    generatedBy('`tools/site/contents.ts`'),
    'Begin with the [tutorial](tutorial.md). In a clone, `npx -y pnpm@12 site` shows these pages as a site.',
    ...sections,
  );
  return { file: 'docs/README.md', content };
}
