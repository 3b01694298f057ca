import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allSettings, variableOf } from '@kplug/operator/internal';
import { expect, it } from 'vitest';
import { operatorConfigurationPage } from './operator-configuration.ts';

const main = fileURLToPath(new URL('../../packages/operator/src/main.ts', import.meta.url));

it('the configuration page is up to date; `pnpm generate:docs` writes it', () => {
  const { file, content } = operatorConfigurationPage();
  expect(readFileSync(file, 'utf8')).toBe(content);
});

it('the help and the page list the same flags and variables, each once', () => {
  // The help is wrapped at 80 columns.
  const help = execFileSync(process.execPath, [main, '--help'], { encoding: 'utf8' }).replace(/\s+/g, ' ');
  const { content } = operatorConfigurationPage();
  for (const [name, setting] of allSettings) {
    for (const flag of setting.flags) {
      expect(content, flag).toMatch(new RegExp(`\`--${flag}[ \`]`));
      expect(help, flag).toMatch(new RegExp(`--${flag}[ ;]`));
    }
    expect(content).toContain(`| \`${variableOf(setting)}\` | \`${name}\` |`);
    expect(help).toContain(`; ${variableOf(setting)})`);
  }
  const rows = content.split('\n').filter((line) => line.includes('| `KPLUG_'));
  expect(rows).toHaveLength(allSettings.length);
});
