import { posix } from 'node:path';
import { slugOf } from './contents.ts';

/** Settings of one build of the site. */
export interface Build {
  /** Path at which the site is served, with slashes around it, such as `/` or `/kplug/`. */
  base: string;
  /** Folder of the sources on the web, such as `https://example.org/kplug/blob/v1.2.0`. Without it, links to sources become text. */
  sources: string | undefined;
}

/** Pictures that pages show: path from the top of the repository, and path on the site. */
export type Pictures = Map<string, string>;

/** A block of code, a span of code, or the label and target of a link or an image. */
const codeOrLink =
  /^[ \t]*(?<fence>```+|~~~+)[\s\S]*?^[ \t]*\k<fence>[ \t]*$|!?\[(?:`[^`]*`|\\.|[^[\]`\\])*\]\((?<target>[^()\s]+)\)|(?<tick>`+)[^`]+?\k<tick>/gm;

/** Note as GitHub renders it: a quotation that begins with a mark. */
const note = /^> \[!(NOTE|TIP|CAUTION)\]\n((?:> ?.*\n)+)/gm;

/**
 * Returns the page of the site for a page of the repository: with its title in front matter, links that lead to pages of the site, and
 * diagrams as elements that the browser draws. Adds the pictures that the page shows to `pictures`.
 */
export function stagePage(
  file: string,
  text: string,
  pages: ReadonlySet<string>,
  build: Build,
  pictures: Pictures,
): string {
  const { title, body } = splitTitle(file, text);
  const linked = body.replaceAll(codeOrLink, (match, ...rest) => {
    const { fence, target } = rest.at(-1) as { fence?: string; target?: string };
    if (fence) return match.trimStart().startsWith(`${fence}mermaid`) ? diagramOf(match) : match;
    if (!target || /^(?:[a-z][a-z0-9+.-]*:|#)/i.test(target)) return match;
    const label = match.slice(0, -`(${target})`.length);
    const found = placeOf(file, target, pages, build, label.startsWith('!') ? pictures : undefined);
    return found === undefined ? label.slice(1, -1) : `${label}(${found})`;
  });
  // Decisions explain how Kplug came to be as it is; in search, they would precede the guides.
  const search = /^docs\/decisions\/\d/.test(file) ? ['pagefind: false'] : [];
  const front = [...search, `title: ${JSON.stringify(title)}`, `description: ${JSON.stringify(summaryOf(body))}`];
  return `---\n${front.join('\n')}\n---\n${linked.replaceAll(note, asideOf)}`;
}

function splitTitle(file: string, text: string): { title: string; body: string } {
  const [, heading, body] = /^# (.+)\n([\s\S]*)$/.exec(text) ?? [];
  if (!heading || body === undefined) throw new Error(`${file} does not begin with a heading`);
  return { title: heading.replaceAll('`', ''), body };
}

/** Text of the first paragraph, for search engines. */
function summaryOf(body: string): string {
  const paragraph = body.split(/\n{2,}/).find((block) => /^[A-Z`[*]/.test(block.trim())) ?? '';
  const words = paragraph.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
  return words.trim().replaceAll(/\s+/g, ' ').slice(0, 200);
}

/** Path of a link's target on the site, or of a source on the web. */
function placeOf(
  file: string,
  target: string,
  pages: ReadonlySet<string>,
  { base, sources }: Build,
  pictures: Pictures | undefined,
): string | undefined {
  const [path = '', anchor] = target.split('#', 2);
  const found = posix.join(posix.dirname(file), path).replace(/\/$/, '');
  const suffix = anchor ? `#${anchor}` : '';
  const page = [found, `${found}/README.md`].find((one) => pages.has(one));
  if (page !== undefined) return `${base}${slugOf(page)}/`.replace(/\/+$/, '/') + suffix;
  if (pictures) {
    const place = `pictures/${posix.basename(found)}`;
    pictures.set(found, place);
    return `${base}${place}`;
  }
  return sources === undefined ? undefined : `${sources}/${found}${suffix}`;
}

/** Returns the home page, which is written for the site: its links begin with `{base}`. */
export function stageHome(text: string, { base }: Build): string {
  return text.replaceAll('{base}', base).replaceAll(/^```mermaid\n[\s\S]*?^```$/gm, (block) => diagramInMdx(block));
}

/** Component that becomes the element of `diagramOf`. MDX reads braces and angle brackets in elements. */
function diagramInMdx(block: string): string {
  return `<pre class="mermaid not-content">{${JSON.stringify(linesOf(block))}}</pre>`;
}

function linesOf(block: string): string {
  return block.trim().split('\n').slice(1, -1).join('\n');
}

/** Element that a script of the page replaces by the diagram. Without scripts, it shows the text. */
function diagramOf(block: string): string {
  const escaped = linesOf(block).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<pre class="mermaid not-content">\n${escaped}\n</pre>`;
}

/** Aside of Starlight. */
function asideOf(_match: string, kind: string, lines: string): string {
  return `:::${kind.toLowerCase()}\n${lines.replaceAll(/^> ?/gm, '')}:::\n`;
}
