import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const number = String.raw`-?\d[\d_.]*(?: \*\*? [\d_.]+)*`;
const limitName = String.raw`\w*(?:Timeout|Interval|Delay|Period|Time|Size|Bytes|Length|Depth|Age|Attempts|Streams|Memory)`;

/** Forms in which a source defines a size, a count or a time of its own. */
const forms = [
  // Constants: with three digits or more, or with the name of a limit.
  /^(?:export )?const \w+(?:: \w+)? = (?:\d{3,}|\d[\d_]*_\d{3}|\d[\d_]* \*).*;/,
  new RegExp(`^(?:export )?const (?:${limitName}|(?:max|min)[A-Z]\\w*)(?:: \\w+)? = ${number};`),
  // Defaults of options and parameters.
  /\?\? (?:\d{2,}|\d[\d_]*_\d{3}|\d[\d_]* \*)/,
  /[{(,] ?\w+ = (?:\d{3,}|\d[\d_]*_\d{3})|^ +\w+(?:\?)?(?:: number)? = (?:\d{3,}|\d[\d_]*_\d{3}),$/,
  // Properties with the name of a limit, such as options of gRPC.
  new RegExp(
    `(?:'grpc[.-][\\w.]+'|\\b(?:${limitName}|initial|max|burst|max[A-Z]\\w*)): (?:\\d{2,}|\\d[\\d_]*_\\d{3}|\\d+ \\*)`,
  ),
  // Schemas.
  /\.(?:max|default)\(\d{2,}[\d_]*\)/,
];

/** Limits that sources define beside the table, each as `file: line`. Tests and comments do not count. */
export function strayLimits(source: string, tables: readonly string[]): string[] {
  const files = globSync('**/*.ts', { cwd: source }).filter((file) => !isTest(file) && !isTable(file, tables));
  return files.sort().flatMap((file) => {
    const lines = readFileSync(join(source, file), 'utf8').split('\n');
    return lines.filter(definesLimit).map((line) => `${file}: ${line.trim()}`);
  });
}

function definesLimit(line: string): boolean {
  return !/^\s*(?:\/\/|\/?\*)/.test(line) && forms.some((form) => form.test(line));
}

function isTest(file: string): boolean {
  return /(?:\.(?:test|fixture)|(?:^|\/)(?:testing|contract))\.ts$/.test(file);
}

function isTable(file: string, tables: readonly string[]): boolean {
  return tables.some((table) => file === table || file.startsWith(`${table}/`));
}
