import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { Check } from '../doctor/finding.ts';
import { formatDiagnosis } from './diagnosis.ts';

it('groups findings by subject, with advice below and the counts at the end', () => {
  const operator = new Check('OperatorReady', 'operator');
  const rights = new Check('RightsGiven', 'rights');
  const findings = [
    operator.ok('it is ready'),
    rights.problemFrom('it may not list pods; add a rule:\nverbs: [list]; restart nothing', 'kubectl get roles'),
    operator.warning('it is old'),
    rights.notTried('no permission'),
  ];
  expect(formatDiagnosis(findings, picocolors.createColors(false))).toBe(`operator
  ok         it is ready
  warning    it is old

rights
  problem    it may not list pods
             → add a rule:
               verbs: [list]; restart nothing
             → kubectl get roles
  not tried  no permission

1 ok, 1 warning, 1 problem, 1 not tried`);
});
