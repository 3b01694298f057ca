/** A generated page: path of the file from the top of the repository, and its content. */
export interface GeneratedPage {
  file: string;
  content: string;
}

/** Note at the top of a generated page, invisible for readers. */
export function generatedBy(source: string, script = 'generate:docs'): string {
  return `<!-- Generated from ${source} by \`pnpm ${script}\`. -->`;
}

/** Table in Markdown. Cells are Markdown in one line; columns without any content are left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const used = head.map((_, column) => rows.some((row) => row[column]));
  const line = (cells: readonly string[]) => `| ${cells.filter((_, column) => used[column]).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** Text of a table's cell: in one line, without what Markdown or HTML would interpret outside of code. */
export function cell(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').trim();
  return line.replaceAll(/(`[^`]*`)|(?<!\()\bhttps?:\/\/[^\s,;)]+|</g, (match, span: string | undefined) => {
    if (span) return span;
    return match === '<' ? '&lt;' : `\`${match}\``;
  });
}

/** Code in a table's cell. */
export function code(text: string): string {
  return text && `\`${text.replaceAll('|', '\\|')}\``;
}

/** Joins the blocks of a page by empty lines, and ends it with a line feed. */
export function page(...blocks: readonly (string | readonly string[])[]): string {
  const texts = blocks.map((block) => (typeof block === 'string' ? block : block.join('\n')));
  return `${texts.filter((text) => text !== '').join('\n\n')}\n`;
}
