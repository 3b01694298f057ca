import type { OperatorChoice } from '../operator/operator-place.ts';
import type { ClockReading } from './clock-reading.ts';
import { type ClusterView, ownPods, timeIn } from './cluster-view.ts';
import { kubectlCommand } from './command-line.ts';
import { Check, type Finding } from './finding.ts';
import { objectOf } from './read-json.ts';

/** Whether one pod of the operator leads, and says so again and again. @param clock the API server's. */
export function checkLeader(view: ClusterView, clock: ClockReading | undefined, choice: OperatorChoice): Finding[] {
  const check = new Check('OneLeads', 'operator');
  const pods = ownPods(view);
  const { lease, namespace } = view;
  const electing = pods.filter(({ electsLeader }) => electsLeader);
  if (pods.length > 1 && electing.length === 0) {
    const message = `${pods.length} pods of the operator run without electing a leader, and all write the same resources`;
    return [
      check.problem(
        message,
        'run them with --enable-leader-election (leaderElection.enabled in the chart), or one only',
      ),
    ];
  }
  if (lease.failure !== undefined) return [check.notTried(`who leads: ${lease.failure}`)];
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
    return electing.length > 0 ? [check.problem(`there is no Lease ${name}, so nobody leads`, log)] : [];
  }
  const spec = objectOf(lease.value.spec);
  const holder = typeof spec.holderIdentity === 'string' ? spec.holderIdentity : '';
  if (!holder) return [check.problem(`nobody holds the Lease ${name}, so no operator works`, log)];
  const now = Date.now() + (clock ? (clock.least + clock.most) / 2 : 0);
  const silence = now - timeIn(spec, 'renewTime');
  const [pod = holder] = holder.split('_');
  const said = `${Math.max(0, Math.round(silence / 1_000))} s ago`;
  if (silence > Number(spec.leaseDurationSeconds ?? 15) * 1_000) {
    return [check.problem(`${pod} holds the Lease ${name}, but renewed it last ${said}, so no operator works`, log)];
  }
  if (pods.length > 0 && !pods.some((one) => one.name === pod)) {
    const advice = `give each operator a Lease of its own, by --leader-election-lease-name (leaderElection.leaseName in the chart)`;
    return [check.warning(`${pod}, which holds the Lease ${name}, is no pod of the operator`, advice)];
  }
  return [check.ok(`${pod} leads; it renewed the Lease ${name} ${said}`)];
}
