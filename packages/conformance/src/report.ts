import { escapeXml } from '@kplug/protocol/printable';
import type { Verdict } from './run-requirements.ts';

/** Result of a suite. */
export interface Report {
  /** Name and address of the plugin or controller. */
  subject: string;
  /** Verdicts by the number of their requirement. */
  verdicts: readonly Verdict[];
}

/** Results as people read them. */
export const resultNames: Record<Verdict['result'], string> = {
  passed: 'passed',
  failed: 'failed',
  warning: 'warning',
  notTried: 'not tried',
};

/** Summarizes a report in one line. */
export function summarize({ subject, verdicts }: Report): string {
  const counts = Object.entries(resultNames).flatMap(([result, name]) => {
    const count = verdicts.filter((verdict) => verdict.result === result).length;
    return count > 0 ? [`${count} ${name}`] : [];
  });
  return `${subject}: ${counts.join(', ')}`;
}

/** Describes the observation or the remark of a verdict. */
export function describeVerdict({ seen, expected, remark }: Verdict): string {
  return seen === undefined ? (remark ?? '') : `${seen}; expected: ${expected}`;
}

/** Formats a report as JUnit XML. A warning is a passed test case with output. */
export function formatJUnit({ subject, verdicts }: Report): string {
  const count = (result: Verdict['result']) => verdicts.filter((verdict) => verdict.result === result).length;
  const totals = `tests="${verdicts.length}" failures="${count('failed')}" skipped="${count('notTried')}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="${escapeXml(subject)}" ${totals}>`,
    ...verdicts.map(testCase),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n');
}

function testCase(verdict: Verdict): string {
  const { number, level, title, result, duration } = verdict;
  const attributes = `classname="${number}" name="${escapeXml(`${number} ${level} ${title}`)}" time="${duration / 1_000}"`;
  const description = escapeXml(describeVerdict(verdict));
  const bodies: Record<Verdict['result'], string> = {
    passed: description && `<system-out>${description}</system-out>`,
    failed: `<failure message="${description}"/>`,
    warning: `<system-out>warning: ${description}</system-out>`,
    notTried: `<skipped message="${description}"/>`,
  };
  const body = bodies[result];
  return body ? `    <testcase ${attributes}>${body}</testcase>` : `    <testcase ${attributes}/>`;
}
