import { formatCount } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Panel } from '../parts/panel.tsx';
import { pluginLink } from '../routing/route.ts';
import { FailedShare, Percentile, ResourceShare } from './figures.tsx';
import type { PluginRow } from './group-plugins.ts';
import { InstanceBadge } from './instance-state.tsx';

/** Table of the plugins. Calls are those of about the last minute. */
export function PluginTable({ rows, resources, end }: { rows: readonly PluginRow[]; resources: number; end: string }) {
  return (
    <Panel title="Registered" end={end}>
      <table class="data-table cards">
        <thead>
          <tr>
            <th scope="col">Plugin</th>
            <th scope="col">Instances</th>
            <th scope="col">Resources</th>
            <th scope="col" class="right">
              Calls, last minute
            </th>
            <th scope="col" class="right">
              Failed
            </th>
            <th scope="col" class="right">
              p50
            </th>
            <th scope="col" class="right">
              p99
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.name} row={row} resources={resources} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Row({ row, resources }: { row: PluginRow; resources: number }) {
  const { name, versions, states, load, owner } = row;
  const calls = load?.recentCalls;
  return (
    <tr>
      <th scope="row">
        <a href={pluginLink(name)}>{shown(name, 80)}</a> <span class="muted">{shown(versions.join(', '), 120)}</span>
        {owner && <span class="owner muted">{shown(owner, 120)}</span>}
      </th>
      <td data-label="Instances">
        <span class="badges">
          {states.length === 0 && <span class="muted">none</span>}
          {states.map(({ word, count }) => (
            <InstanceBadge key={word} word={word} count={count} />
          ))}
        </span>
      </td>
      <td data-label="Resources">
        <ResourceShare load={load} resources={resources} />
      </td>
      <td class="right" data-label="Calls, last minute">
        {calls ? formatCount(calls.count) : '–'}
      </td>
      <td class="right" data-label="Failed">
        <FailedShare figures={calls} />
      </td>
      <td class="right" data-label="p50">
        <Percentile figures={calls} name="p50" />
      </td>
      <td class="right" data-label="p99">
        <Percentile figures={calls} name="p99" />
      </td>
    </tr>
  );
}
