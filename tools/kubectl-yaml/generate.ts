import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputs } from './inputs.ts';

/**
 * Writes the table of what kubectl reads from YAML texts, by the Go libraries of kubectl. Needs Go. `--check` compares the table instead,
 * and fails when it differs.
 */
const table = 'packages/controller/src/resources/yaml/kubectl-table.jsonl';

/** Result of the Go program: the documents as JSON, or an error. */
interface Row {
  input: string;
  documents?: string;
  error?: string;
}

const program = import.meta.dirname;
const output = execFileSync('go', ['run', '.'], {
  cwd: program,
  input: JSON.stringify(inputs()),
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  stdio: ['pipe', 'pipe', 'inherit'],
});
const rows = JSON.parse(output) as Row[];
const lines = rows.map(({ input, documents, error }) =>
  JSON.stringify(documents === undefined ? [input, null, error] : [input, documents]),
);
const content = `${lines.join('\n').replace(/[^\n -~]/g, toEscape)}\n`;

if (!process.argv.includes('--check')) writeFileSync(table, content);
else if (readFileSync(table, 'utf8') !== content) {
  console.error(`${table} differs from what the programs read; run node ${join('tools/kubectl-yaml', 'generate.ts')}`);
  process.exitCode = 1;
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
