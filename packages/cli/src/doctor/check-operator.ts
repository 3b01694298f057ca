import { plain } from '../output/table.ts';
import { Check, type Finding } from './finding.ts';
import { labelIn, type OperatorView } from './operator-view.ts';

const about = 'operator';

/** What the one that looks is, and what it advises. */
export interface Own {
  /** The version of this command. */
  version: string;
  /** The version of Node.js that runs it, such as `v24.1.0`. */
  node: string;
}

/** Whether the operator answers, is ready, and is of the version of this command. */
export function checkOperator(view: OperatorView, own: Own): Finding[] {
  return [checkAnswer(view), ...(view.delegations.value ? [checkReadiness(view), checkVersion(view, own)] : [])];
}

/** Of an operator that gave no answer, or wasn't found. */
export function checkAbsence({ failure, isForbidden }: { failure: string; isForbidden: boolean }): Finding {
  const check = new Check('OperatorAnswers', about);
  return isForbidden ? check.notTried(`whether it answers: ${failure}`) : check.told(failure);
}

function checkAnswer({ place: { url, origin }, delegations }: OperatorView): Finding {
  const check = new Check('OperatorAnswers', about);
  return delegations.value ? check.ok(`it answers at ${url} (${origin})`) : checkAbsence(delegations);
}

function checkReadiness({ readiness: { value, failure } }: OperatorView): Finding {
  const check = new Check('OperatorReady', about);
  if (!value) return check.notTried(`whether it is ready: ${failure}`);
  if (value.status === 200) return check.ok('it is ready');
  const why = plain(value.text).slice(0, 200) || `/readyz answers ${value.status}`;
  return check.problem(`it isn't ready: ${why}`, 'look at its log; while it starts, run this again in a moment');
}

function checkVersion({ metrics }: OperatorView, own: Own): Finding {
  const check = new Check('VersionsAgree', about);
  if (!metrics.value) return check.notTried(`its version: ${metrics.failure}`);
  const version = labelIn(metrics.value.text, 'kplug_build_info', 'version');
  const advice = `use the command of the same version: npx @kplug/cli@${version ?? 'VERSION'} doctor`;
  if (version === undefined) {
    return check.warning(`it doesn't tell its version, and this command's is ${own.version}`, advice);
  }
  if (version === own.version) return check.ok(`its version is this command's, ${version}`);
  return check.warning(`its version is ${version}, and this command's is ${own.version}`, advice);
}
