import { useEffect } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { isStale, now } from '../data/connection.ts';
import { summary } from '../data/summary.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { countOf } from '../format/number.ts';
import { Empty, Failure, Loading } from '../parts/notices.tsx';
import { useScrollPosition } from '../parts/use-scroll-position.ts';
import { groupPlugins } from './group-plugins.ts';
import { Hosted } from './hosted.tsx';
import { PluginTable } from './plugin-table.tsx';
import { Refusals } from './refusals.tsx';
import { Security } from './security.tsx';
import { useInstances } from './use-instances.ts';

/** Interval at which figures are loaded again, in milliseconds. */
const interval = 5_000;

/** All plugins: what they do, which were refused, and how they prove who they are. */
export function Plugins() {
  useEffect(() => {
    document.title = 'Plugins – Kplug';
  }, []);
  const { instances, problem } = useInstances('');
  const load = useLoaded('load', (signal) => clients.load.getLoad({}, { signal }), interval);
  const security = useLoaded('security', (signal) => clients.security.getSecurity({}, { signal }), interval);
  const resources = summary.value?.delegations.reduce((sum, { total }) => sum + total, 0) ?? 0;
  const rows = groupPlugins(instances ?? [], load.value?.plugins ?? [], security.value?.nameOwners ?? [], now.value);
  const isKnown = instances !== undefined && (load.value !== undefined || load.problem !== undefined);
  useScrollPosition(isKnown);
  return (
    <div class={isStale.value ? 'stack stale' : 'stack'}>
      <h1>Plugins</h1>
      {problem && !isStale.value && (
        <Failure what={instances ? 'newer list of plugins' : 'list of plugins'} problem={problem} />
      )}
      {load.problem && !isStale.value && (
        <Failure what="figures of plugins" problem={load.problem} retry={load.retry} />
      )}
      {!isKnown && !problem && <Loading what="the plugins" lines={5} />}
      {isKnown && rows.length === 0 && (
        <Empty title="No plugin yet" command="npx -y @kplug/cli init plugin">
          A plugin makes itself known to the operator by heartbeats, and appears here at once. This command begins one;
          those that were refused are below.
        </Empty>
      )}
      {rows.length > 0 && (
        <PluginTable rows={rows} resources={resources} end={countOf(instances?.length ?? 0, 'instance')} />
      )}
      <Refusals plugin="" />
      <Hosted plugin="" />
      <Security loaded={security} />
    </div>
  );
}
