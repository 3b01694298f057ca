import type { ExplainResourceResponse } from '@kplug/protocol/services';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { pluginLink } from '../routing/route.ts';

/** Plugins that were considered, each with the reason why it was chosen or not. */
export function Candidates({ explained }: { explained: ExplainResourceResponse }) {
  const { candidates } = explained;
  return (
    <Panel title="Candidates" end={candidates.length > 0 ? 'chosen first' : ''}>
      {candidates.length === 0 ? (
        <p class="muted">
          No plugin is registered for the API of this delegation. Refused ones are on the screen of the plugins.
        </p>
      ) : (
        <ul class="candidates">
          {candidates.map(({ plugin, version, chosen, reason, message, readyInstances, instances }) => (
            <li key={`${plugin} ${version}`}>
              <span class={chosen ? 'state-ready' : 'muted'}>
                <Icon name={chosen ? 'ready' : 'gone'} />
                <span class="hidden">{chosen ? 'chosen' : 'not chosen'}</span>
              </span>
              <div>
                <p>
                  <a href={pluginLink(plugin)}>{shown(plugin, 80)}</a> {shown(version, 60)}{' '}
                  <span class="muted">
                    {readyInstances} of {instances} {instances === 1 ? 'instance' : 'instances'} ready
                  </span>
                </p>
                <p class="muted wrap">{shown(message || reason)}</p>
              </div>
              <span class="reason">{shown(reason, 60)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
