import { countOutcomes, type Finding, type Outcome } from '../doctor/finding.ts';
import { formatDocument } from './document.ts';
import type { Colors } from './terminal.ts';

const names: Record<Outcome, string> = { ok: 'ok', warning: 'warning', problem: 'problem', notTried: 'not tried' };

const width = Math.max(...Object.values(names).map(({ length }) => length));

/** Formats findings as text, grouped by subject, with their advice. */
export function formatDiagnosis(findings: readonly Finding[], colors: Colors): string {
  const groups = Map.groupBy(findings, ({ about }) => about);
  const texts = [...groups].map(([about, group]) => {
    return [colors.bold(about), ...group.map((finding) => formatFinding(finding, colors))].join('\n');
  });
  return [...texts, summarizeDiagnosis(findings)].join('\n\n');
}

/** Summarizes the outcomes in one line. */
export function summarizeDiagnosis(findings: readonly Finding[]): string {
  const { ok, warning, problem, notTried } = countOutcomes(findings);
  return `${ok} ok, ${count(warning, 'warning')}, ${count(problem, 'problem')}, ${notTried} not tried`;
}

/** Formats findings as JSON or YAML. */
export function formatDiagnosisDocument(findings: readonly Finding[], format: 'json' | 'yaml'): string {
  return formatDocument({ findings, counts: countOutcomes(findings) }, format);
}

function formatFinding({ outcome, message, advice }: Finding, colors: Colors): string {
  const color: Record<Outcome, (text: string) => string> = {
    ok: colors.green,
    warning: colors.yellow,
    problem: colors.red,
    notTried: colors.dim,
  };
  const indent = ' '.repeat(width + 4);
  const beneath = advice.map((text) => {
    const [first = '', ...rest] = text.split('\n');
    return [`${indent}${colors.cyan('→')} ${first}`, ...rest.map((line) => `${indent}  ${line}`)].join('\n');
  });
  return [`  ${color[outcome](names[outcome].padEnd(width))}  ${message}`, ...beneath].join('\n');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
