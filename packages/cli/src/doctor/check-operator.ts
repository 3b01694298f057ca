import { plain } from '../output/table.ts';
import { Check, type Finding } from './finding.ts';
import { labelIn, type OperatorView } from './operator-view.ts';

const about = 'operator';

/** Versions of this command and its Node.js. */
export interface Own {
  /** Version of this command. */
  version: string;
  /** Version of Node.js, such as `v24.1.0`. */
  node: string;
}

/** Checks that the operator answers, is ready, and has the version of this command. */
export function checkOperator(view: OperatorView, own: Own): Finding[] {
  return [checkAnswer(view), ...(view.delegations.value ? [checkReadiness(view), checkVersion(view, own)] : [])];
}

/** Returns the finding about an operator that did not answer or was not found. */
export function checkAbsence({ failure, isForbidden }: { failure: string; isForbidden: boolean }): Finding {
  const check = new Check('OperatorAnswers', about);
  return isForbidden ? check.notTried(`whether the operator answers: ${failure}`) : check.problemFrom(failure);
}

function checkAnswer({ place: { url, origin }, delegations }: OperatorView): Finding {
  const check = new Check('OperatorAnswers', about);
  return delegations.value ? check.ok(`the operator answers at ${url} (${origin})`) : checkAbsence(delegations);
}

function checkReadiness({ readiness: { value, failure } }: OperatorView): Finding {
  const check = new Check('OperatorReady', about);
  if (!value) return check.notTried(`readiness: ${failure}`);
  if (value.status === 200) return check.ok('the operator is ready');
  const reason = plain(value.text).slice(0, 200) || `/readyz answers ${value.status}`;
  return check.problem(
    `the operator is not ready: ${reason}`,
    'check its log; if it is starting, run this command again later',
  );
}

function checkVersion({ metrics }: OperatorView, own: Own): Finding {
  const check = new Check('VersionsAgree', about);
  if (!metrics.value) return check.notTried(`operator version: ${metrics.failure}`);
  const version = labelIn(metrics.value.text, 'kplug_build_info', 'version');
  const advice = `use a command of the same version: npx @kplug/cli@${version ?? 'VERSION'} doctor`;
  if (version === undefined) {
    return check.warning(`the operator does not report its version; this command has ${own.version}`, advice);
  }
  if (version === own.version) return check.ok(`operator and command have version ${version}`);
  return check.warning(`the operator has version ${version}, and this command has ${own.version}`, advice);
}
