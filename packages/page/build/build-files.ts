import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildScripts } from './build-scripts.ts';
import { buildStyle } from './build-style.ts';
import { type BuiltFile, builtFile, contentHash } from './built-file.ts';

const browser = join(import.meta.dirname, '../browser');

/** Builds all files of the page, the page itself first. The same sources give the same files. */
export async function buildFiles(): Promise<BuiltFile[]> {
  const { entry, scripts } = await buildScripts(join(browser, 'main.tsx'));
  const style = await buildStyle(join(browser, 'style/main.css'));
  const icon = readFileSync(join(browser, 'icon.svg'), 'utf8');
  const styleName = `main-${contentHash(style)}.css`;
  const iconName = `icon-${contentHash(icon)}.svg`;
  const html = fill(readFileSync(join(browser, 'index.html'), 'utf8'), {
    ENTRY: `assets/${entry}`,
    STYLE: `assets/${styleName}`,
    ICON: `assets/${iconName}`,
  });
  const assets = [...scripts, { name: styleName, content: style }, { name: iconName, content: icon }];
  return [
    builtFile('/', 'index.html', html),
    ...assets.map(({ name, content }) => builtFile(`/assets/${name}`, name, content)),
  ];
}

/** Replaces each `{NAME}` of the page. Throws for one that it doesn't have. */
function fill(html: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((filled, [name, value]) => {
    if (!filled.includes(`{${name}}`)) throw new Error(`index.html has no {${name}}`);
    return filled.replaceAll(`{${name}}`, value);
  }, html);
}
