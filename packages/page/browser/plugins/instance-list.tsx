import type { PluginInstance } from '@kplug/protocol/services';
import { clients } from '../data/clients.ts';
import { isStale, now } from '../data/connection.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { countOf } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Age } from '../parts/age.tsx';
import { Panel } from '../parts/panel.tsx';
import { DrainButton } from './drain-button.tsx';
import { InstanceBadge } from './instance-state.tsx';
import { leaseOf } from './lease.ts';

/** Instances that are listed. */
const maxListed = 200;

/** Instances of a plugin, with their leases. */
export function InstanceList({ instances }: { instances: readonly PluginInstance[] }) {
  const actions = useLoaded('actions', (signal) => clients.action.getActions({}, { signal }));
  const canDrain = actions.value?.drain === true && !isStale.value;
  return (
    <Panel title="Instances" end={countOf(instances.length, 'instance')}>
      {instances.length === 0 && (
        <p class="muted">No instance is registered. Its figures are of instances that are gone.</p>
      )}
      <ul class="instances">
        {instances.slice(0, maxListed).map((instance) => (
          <Instance key={instance.registration?.instanceId} instance={instance} canDrain={canDrain} />
        ))}
      </ul>
      {instances.length > maxListed && <p class="muted">and {countOf(instances.length - maxListed, 'more')}</p>}
      {actions.value?.message && (
        <p class="muted">Draining from here is not possible: {shown(actions.value.message)}</p>
      )}
    </Panel>
  );
}

function Instance({ instance, canDrain }: { instance: PluginInstance; canDrain: boolean }) {
  const { registration, stateReason, registeredAt, lastHeardAt, protocol, identity, encrypted } = instance;
  const { word, part, text } = leaseOf(instance, now.value);
  const id = registration?.instanceId ?? '';
  return (
    <li>
      <div class="line">
        <InstanceBadge word={word} />
        <code class="wrap">{shown(id, 140)}</code>
        {canDrain && word !== 'draining' && <DrainButton instanceId={id} />}
      </div>
      {part !== undefined && (
        <p class="lease">
          <progress max={1} value={part} aria-label="Lease" aria-valuetext={text} />
          <span class="muted number">
            {text}
            {isStale.value ? ', as of the lost connection' : ''}
          </span>
        </p>
      )}
      {stateReason && <p class="wrap">{shown(stateReason)}</p>}
      <p class="muted wrap">
        {[
          shown(registration?.version ?? '', 60),
          `at ${shown(registration?.address ?? '', 80)}`,
          encrypted ? 'TLS' : 'plain text',
          shown(identity, 120) || 'no identity',
          protocol === 'kplug' ? 'protocol of the first Kplug' : '',
        ]
          .filter(Boolean)
          .join(', ')}
        , heard <Age time={lastHeardAt} />, registered <Age time={registeredAt} />
      </p>
    </li>
  );
}
