import { expect, it } from 'vitest';
import { checkOperator } from './check-operator.ts';
import type { OperatorView } from './operator-view.ts';

const page = (text: string) => ({ value: { status: 200, text, clock: undefined } });

function viewWith(metrics: string): OperatorView {
  return {
    place: { url: 'http://localhost:8082', origin: 'as named', namespace: 'default' },
    delegations: { value: [] },
    resources: { value: [] },
    instances: { value: [] },
    hosted: { value: undefined },
    refusals: { value: undefined },
    security: { value: undefined },
    readiness: page('ok'),
    metrics: page(metrics),
  };
}

it('another version of the operator is a warning, with the matching command', () => {
  const found = checkOperator(viewWith('# HELP x\nkplug_build_info{version="1.2.0"} 1\n'), {
    version: '1.3.0',
    node: '',
  });
  expect(found.at(-1)).toMatchObject({
    outcome: 'warning',
    message: 'the operator has version 1.2.0, and this command has 1.3.0',
    advice: ['use a command of the same version: npx @kplug/cli@1.2.0 doctor'],
  });
});
