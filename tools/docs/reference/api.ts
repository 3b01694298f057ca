import { cell, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

/** Part of the model that API Extractor writes of an export path. */
interface ApiItem {
  kind: string;
  name?: string;
  docComment?: string;
  excerptTokens?: { text: string }[];
  members?: ApiItem[];
}

/** An export path of a package, such as `@kplug/sdk/testing`, with its model. */
export interface ExportPath {
  path: string;
  model: ApiItem;
}

/** Kinds of items, in their order on the page. */
const order = ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable', 'Enum', 'Namespace'];

/** Page of the public API of a library, from the models of its export paths. */
export function apiPage(name: string, description: string, paths: readonly ExportPath[]): GeneratedPage {
  const content = page(
    `# API of \`@kplug/${name}\``,
    generatedBy('the sources', 'generate:api'),
    `${description}.`,
    ...paths.flatMap(({ path, model }) => [
      `## \`${path}\``,
      ...itemsOf(model).flatMap((item, index, items) => describe(item, items[index - 1])),
    ]),
  );
  return { file: `docs/reference/${name}.md`, content };
}

function itemsOf(model: ApiItem): ApiItem[] {
  const items = (model.members ?? []).flatMap(({ members = [] }) => members);
  const rank = ({ kind, name = '' }: ApiItem) => `${order.indexOf(kind)} ${name.toLowerCase()}`;
  return items.sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

/** Section of an item: its comment, its signature, and its members with theirs. Overloads share a heading. */
function describe(item: ApiItem, before: ApiItem | undefined): (string | string[])[] {
  const members = (item.members ?? []).map((member) => [signatureInCell(member), cell(commentOf(member))]);
  return [
    item.name === before?.name ? '' : `### ${item.name}`,
    withExamples(commentOf(item)),
    ['```typescript wrap', signatureOf(item), '```'],
    members.length > 0 ? table(['member', 'meaning'], members) : '',
  ];
}

function signatureOf({ excerptTokens = [] }: ApiItem): string {
  const text = excerptTokens
    .map((token) => token.text)
    .join('')
    .trim();
  // As it is written, without the keyword of declaration files.
  return text.replace(/^export declare /, 'export ').replaceAll(/^ {4}(?=\S)/gm, '  ');
}

function signatureInCell(member: ApiItem): string {
  const line = signatureOf(member).replaceAll(/\s+/g, ' ').replace(/;$/, '');
  return `\`${line.replaceAll('|', '\\|')}\``;
}

/** Marks paragraphs that are a call as code, as the model has lost their indentation. */
function withExamples(text: string): string {
  return text.replaceAll(/(?<=\n\n)\w+\(\{[\s\S]*?\}\)(?=\n\n|$)/g, (call) => `\`\`\`typescript wrap\n${call}\n\`\`\``);
}

/** Text of a doc comment in Markdown. */
function commentOf({ docComment = '' }: ApiItem): string {
  const lines = docComment.split('\n').slice(1, -2);
  const text = lines.map((line) => line.replace(/^ \* ?/, '')).join('\n');
  return text
    .replaceAll(
      /\{@link ([^}|]+?)(?:\s*\|\s*([^}]+))?\}/g,
      (_, target: string, label?: string) => label ?? `\`${target}\``,
    )
    .replaceAll(/^@param (\S+)(?: -)? /gm, '\nParameter `$1`: ')
    .replaceAll(/^@(?:returns|remarks|throws) /gm, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}
