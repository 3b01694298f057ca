import type { OperatorChoice } from '../operator/operator-place.ts';
import type { ClockReading } from './clock-reading.ts';
import { type ClusterView, ownPods, timeIn } from './cluster-view.ts';
import { kubectlCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf } from './read-json.ts';

/** Checks that one pod of the operator leads and renews its Lease. @param clock clock of the API server. */
export function checkLeader(view: ClusterView, clock: ClockReading | undefined, choice: OperatorChoice): Finding[] {
  const check = new Check('OneLeads', 'operator');
  const pods = ownPods(view);
  const { lease, namespace } = view;
  const electing = pods.filter(({ electsLeader }) => electsLeader);
  if (pods.length > 1 && electing.length === 0) {
    const message = `${pods.length} pods of the operator run without leader election and write the same resources`;
    return [
      check.problem(
        message,
        'run them with --enable-leader-election (leaderElection.enabled in the chart), or run only one',
      ),
    ];
  }
  if (lease.failure !== undefined) return [check.notTried(`leader: ${lease.failure}`)];
  const name = `${namespace}/${electing[0]?.leaseName ?? 'kplug'}`;
  const log = kubectlCommand(
    choice,
    'logs',
    '-n',
    namespace,
    '-l',
    'app.kubernetes.io/component=operator',
    '--tail',
    '20',
  );
  if (lease.value === undefined) {
    return electing.length > 0 ? [check.problem(`the Lease ${name} does not exist, so no operator leads`, log)] : [];
  }
  const spec = objectOf(lease.value.spec);
  const holder = typeof spec.holderIdentity === 'string' ? spec.holderIdentity : '';
  if (!holder) return [check.problem(`the Lease ${name} has no holder, so no operator reconciles`, log)];
  const now = Date.now() + (clock ? (clock.min + clock.max) / 2 : 0);
  const age = now - timeIn(spec, 'renewTime');
  const [pod = holder] = holder.split('_');
  const renewed = `${Math.max(0, Math.round(age / 1_000))} s ago`;
  if (age > Number(spec.leaseDurationSeconds ?? 15) * 1_000) {
    return [
      check.problem(`${pod} holds the Lease ${name} but last renewed it ${renewed}, so no operator reconciles`, log),
    ];
  }
  if (pods.length > 0 && !pods.some((one) => one.name === pod)) {
    const advice = `give each operator its own Lease with --leader-election-lease-name (leaderElection.leaseName in the chart)`;
    return [check.warning(`${pod}, which holds the Lease ${name}, is not a pod of the operator`, advice)];
  }
  return [check.ok(`${pod} leads; it renewed the Lease ${name} ${renewed}`)];
}
