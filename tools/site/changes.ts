import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lists, for the page of the versions, the changes of the next release and the changelogs of the released packages, in Markdown. */
export function changesSection(repository: string): string {
  const pending = globSync('.changeset/*.md', { cwd: repository })
    .filter((file) => !file.endsWith('README.md'))
    .sort()
    .map((file) => changeOf(readFileSync(join(repository, file), 'utf8')));
  const next = pending.length > 0 ? ['### Next release', ...pending.map(asItem)] : [];
  return [...next, ...released(repository)].join('\n\n');
}

/** Text of a changeset, without the packages and sizes in its front matter. */
function changeOf(text: string): string {
  return text.replace(/^---\n[\s\S]*?\n---\n/, '').trim();
}

/** Item of a list. Links in a changeset lead from its own folder, so that they become text. */
function asItem(text: string): string {
  const plain = text.replaceAll(/\[([^\]]*)\]\((?!https?:)[^)]*\)/g, '$1');
  return `- ${plain.replaceAll('\n', '\n  ')}`;
}

function released(repository: string): string[] {
  const names = globSync('packages/*/CHANGELOG.md', { cwd: repository }).sort();
  return names.flatMap((file) => {
    const [, title = '', body = ''] = /^# (.+)\n([\s\S]*)$/.exec(readFileSync(join(repository, file), 'utf8')) ?? [];
    return [`### ${title}`, body.trim().replaceAll(/^#(#+) /gm, '##$1 ')];
  });
}
