import { plain } from '../../cli/src/output/table.js';

const names = {
  passed: 'passed',
  failed: 'failed',
  warning: 'warning',
  notTried: 'not tried',
};
/** A report as a table, a requirement in each row. */
export function reportTable({ verdicts }, colors) {
  const color = {
    passed: colors.green,
    failed: colors.red,
    warning: colors.yellow,
    notTried: colors.dim,
  };
  const rows = verdicts.map((verdict) => {
    const { number, level, title, result } = verdict;
    return [number, level, title, color[result](names[result]), plain(describe(verdict))];
  });
  return { header: ['NO', 'LEVEL', 'REQUIREMENT', 'RESULT', 'WHY'], rows };
}
/** What counts of a report, in a sentence. */
export function summarize({ subject, verdicts }) {
  const counted = Object.entries(names).flatMap(([result, name]) => {
    const count = verdicts.filter((verdict) => verdict.result === result).length;
    return count > 0 ? [`${count} ${name}`] : [];
  });
  return `${subject}: ${counted.join(', ')}`;
}
/** A report as JUnit has it. Warnings are passed, and stand in the output of their case. */
export function formatJUnit({ subject, verdicts }) {
  const count = (result) => verdicts.filter((verdict) => verdict.result === result).length;
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
function testCase(verdict) {
  const { number, level, title, result, duration } = verdict;
  const attributes = `classname="${number}" name="${escapeXml(`${number} ${level} ${title}`)}" time="${duration / 1_000}"`;
  const why = escapeXml(describe(verdict));
  const bodies = {
    passed: why && `<system-out>${why}</system-out>`,
    failed: `<failure message="${why}"/>`,
    warning: `<system-out>warning: ${why}</system-out>`,
    notTried: `<skipped message="${why}"/>`,
  };
  const body = bodies[result];
  return body ? `    <testcase ${attributes}>${body}</testcase>` : `    <testcase ${attributes}/>`;
}
function describe({ seen, expected, remark }) {
  return seen === undefined ? (remark ?? '') : `${seen}; expected: ${expected}`;
}
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** What XML can't hold at all, a control character, becomes a space. */
function escapeXml(text) {
  return plain(text).replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}
//# sourceMappingURL=report.js.map
