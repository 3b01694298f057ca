import { readFileSync } from 'node:fs';

/** Returns the blocks of shell commands of a numbered step of a README, each as one command. */
export function commandsOf(file: string, step: number): string[] {
  const text = readFileSync(file, 'utf8');
  const [, content] = new RegExp(`^${step}\\. (.*?)(?=^\\d+\\. |^## )`, 'ms').exec(`${text}\n## `) ?? [];
  if (content === undefined) throw new Error(`${file} has no step ${step}`);
  return [...content.matchAll(/^( *)```sh\n(.*?)^\1```/gms)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim(),
  );
}
