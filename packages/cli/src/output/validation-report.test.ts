import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { formatValidation, type Validation } from './validation-report.ts';

const colors = picocolors.createColors(false);

const validation: Validation = {
  files: ['manifests/users.yaml'],
  resources: [{ file: 'manifests/users.yaml', line: 1, resource: 'DatabaseTable users' }],
  withoutSchema: 2,
  findings: [
    {
      file: 'manifests/users.yaml',
      line: 7,
      column: 3,
      severity: 'error',
      check: 'FieldUnknown',
      resource: 'DatabaseTable users',
      message: 'spec.serverNam is not a field of the schema; did you mean serverName?',
    },
  ],
};

it('wraps lines at the width of a terminal', () => {
  expect(formatValidation(validation, colors, 80)).toBe(
    `manifests/users.yaml:7:3: error: DatabaseTable users: spec.serverNam is not a
    field of the schema; did you mean serverName?

1 resource in 1 file: 1 error; no schema for 2 resources`,
  );
});

it('keeps one line for each finding without a terminal', () => {
  expect(formatValidation(validation, colors).split('\n')).toHaveLength(3);
});

it('colours the place and the severity', () => {
  const [first] = formatValidation(validation, picocolors.createColors(true), 80).split('\n');
  expect(first).toMatch(/^.\[1mmanifests\/users\.yaml:7:3.\[22m: .\[31merror.\[39m: DatabaseTable users: /);
});
