import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allSettings, type Setting, variableOf } from '@kplug/operator/internal';

const file = fileURLToPath(new URL('../../docs/operator-configuration.md', import.meta.url));

/** Page about the operator's configuration, with the part between the marks generated from the settings. */
export function operatorConfigurationPage(): { file: string; content: string } {
  const groups = Map.groupBy(allSettings, ([, { group }]) => group);
  const tables = [...groups].map(([group, entries]) => [`### ${group}`, '', ...tableOf(entries)].join('\n'));
  const between = /(<!-- settings: .* -->\n)[\s\S]*?(<!-- end of settings -->)/;
  return { file, content: readFileSync(file, 'utf8').replace(between, `$1\n${tables.join('\n\n')}\n\n$2`) };
}

function tableOf(entries: readonly (readonly [string, Setting])[]): string[] {
  const rows = entries.map(([name, setting]) => {
    const flags = setting.flags.map((flag, index) => `\`--${flag}${index === 0 ? argumentOf(setting) : ''}\``);
    const { short, description, fallback } = setting;
    const all = [...(short ? [`\`-${short}\``] : []), ...flags].join(', ');
    return `| ${all} | \`${variableOf(setting)}\` | \`${name}\` | ${inMarkdown(description)} | ${inMarkdown(fallback)} |`;
  });
  return ['| flag | variable | field | meaning | default |', '| --- | --- | --- | --- | --- |', ...rows];
}

function argumentOf({ placeholder }: Setting): string {
  return placeholder ? ` ${placeholder.toUpperCase()}` : '';
}

/** Escapes HTML in a text for Markdown. */
function inMarkdown(text: string): string {
  return text.replaceAll('<', '&lt;');
}
