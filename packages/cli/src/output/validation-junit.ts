import { escapeXml } from '@kplug/protocol/printable';
import type { ValidationFinding } from '../validate/finding.ts';
import type { Validation } from './validation-report.ts';

/** Formats a validation as JUnit XML: a suite for each file, with a test case for each resource and one for the file itself. */
export function formatValidationJUnit({ files, resources, findings }: Validation): string {
  const names = [...new Set([...files, ...findings.map(({ file }) => file)])];
  const resourcesOf = Map.groupBy(resources, ({ file }) => file);
  const findingsOf = Map.groupBy(findings, ({ file }) => file);
  const suites = names.map((file) => suiteOf(file, resourcesOf.get(file) ?? [], findingsOf.get(file) ?? []));
  const tests = suites.reduce((sum, suite) => sum + suite.cases.length, 0);
  const failures = suites.reduce((sum, suite) => sum + failuresIn(suite.cases), 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${tests}" failures="${failures}">`,
    ...suites.flatMap(({ file, cases }) => [
      `  <testsuite name="${escapeXml(file)}" tests="${cases.length}" failures="${failuresIn(cases)}">`,
      ...cases.map((one) => formatCase(file, one)),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ].join('\n');
}

interface Case {
  name: string;
  findings: readonly ValidationFinding[];
}

function suiteOf(file: string, resources: Validation['resources'], findings: readonly ValidationFinding[]) {
  const starts = resources.map(({ line }) => line);
  // A finding belongs to the last resource that begins before it.
  const indexOf = ({ line, resource }: ValidationFinding) => {
    if (line === undefined) return -1;
    const named = resources.findLastIndex((one) => one.resource === resource && one.line <= line);
    return named >= 0 ? named : starts.findLastIndex((start) => start <= line);
  };
  const byIndex = Map.groupBy(findings, indexOf);
  const cases: Case[] = [
    { name: 'file', findings: byIndex.get(-1) ?? [] },
    ...resources.map(({ resource, line }, index) => {
      return { name: resource ?? `document in line ${line}`, findings: byIndex.get(index) ?? [] };
    }),
  ];
  return { file, cases };
}

function failuresIn(cases: readonly Case[]): number {
  return cases.filter(({ findings }) => errorsIn(findings).length > 0).length;
}

function errorsIn(findings: readonly ValidationFinding[]): ValidationFinding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

function formatCase(file: string, { name, findings }: Case): string {
  const attributes = `classname="${escapeXml(file)}" name="${escapeXml(name)}"`;
  const [first, ...others] = errorsIn(findings);
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  const failure = first
    ? `<failure type="${first.check}" message="${escapeXml(first.message)}${more}">${describe(errorsIn(findings))}</failure>`
    : '';
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  const output = warnings.length > 0 ? `<system-out>${describe(warnings)}</system-out>` : '';
  const body = `${failure}${output}`;
  return body ? `    <testcase ${attributes}>${body}</testcase>` : `    <testcase ${attributes}/>`;
}

/** Lists findings with their positions, one in a line. */
function describe(findings: readonly ValidationFinding[]): string {
  const lines = findings.map(({ file, line, column, severity, message }) => {
    const place = [file, line, column].filter((part) => part !== undefined).join(':');
    return escapeXml(`${place}: ${severity}: ${message}`);
  });
  return lines.join('\n');
}
