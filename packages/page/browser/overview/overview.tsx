import { useEffect } from 'preact/hooks';
import { isStale } from '../data/connection.ts';
import { summary } from '../data/summary.ts';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { Empty } from '../parts/notices.tsx';
import { DelegationPanel } from './delegation-panel.tsx';
import { History } from './history.tsx';
import { Namespaces } from './namespaces.tsx';
import { ResourceTable } from './resource-table.tsx';

/** Overview: how many resources are ready, why the others aren't, and all of them in a table. */
export function Overview() {
  useEffect(() => {
    document.title = 'Overview – Kplug';
  }, []);
  const { value } = summary;
  if (!value) return null;
  const { delegations, namespaces, problems } = value;
  return (
    <div class={isStale.value ? 'stack stale' : 'stack'}>
      <h1 class="hidden">Overview</h1>
      <Problems problems={problems} />
      {delegations.length === 0 ? (
        <NoDelegation />
      ) : (
        <div class="overview-top">
          <div class="stack">
            {delegations.map((delegation) => (
              <DelegationPanel key={delegation.name} delegation={delegation} />
            ))}
          </div>
          <div class="stack">
            <History />
            <Namespaces namespaces={namespaces} />
          </div>
        </div>
      )}
      {delegations.length > 0 && <ResourceTable />}
    </div>
  );
}

function Problems({ problems }: { problems: readonly string[] }) {
  if (problems.length === 0) return null;
  return (
    <section class="notice warn" aria-label="Problems of the operator">
      <Icon name="warning" />
      <div>
        <h2>The operator has {problems.length === 1 ? 'a problem' : 'problems'}</h2>
        <ul>
          {problems.map((problem) => (
            <li key={problem}>{shown(problem)}</li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function NoDelegation() {
  return (
    <Empty title="No delegation yet" command="kubectl explain delegation.spec">
      A delegation says which kind of resource the plugins of which API reconcile. Declare one in the file of the
      operator or, if it follows Delegation resources, in the cluster.
    </Empty>
  );
}
