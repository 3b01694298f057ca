import { printable } from '@kplug/protocol/printable';
import type { ValidationFinding } from '../validate/finding.ts';

/** Formats findings as workflow commands, which GitHub shows as annotations of the files. */
export function formatGitHubAnnotations(findings: readonly ValidationFinding[]): string {
  return findings.map(formatCommand).join('\n');
}

function formatCommand({ file, line, column, severity, check, resource, message }: ValidationFinding): string {
  const properties = {
    // Standard input is no file of the repository.
    ...(file !== '-' && { file }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { col: column }),
    title: check,
  };
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  const text = resource === undefined ? message : `${resource}: ${message}`;
  return `::${severity} ${list.join(',')}::${escapeData(text)}`;
}

function escapeData(text: string): string {
  return printable(text).replaceAll('%', '%25');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
