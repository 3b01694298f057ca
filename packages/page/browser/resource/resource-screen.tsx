import type { ExplainResourceResponse, TraceResourceResponse } from '@kplug/protocol/services';
import { useEffect } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { isStale } from '../data/connection.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { shown } from '../format/shown.ts';
import { Failure, Loading } from '../parts/notices.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { useScrollPosition } from '../parts/use-scroll-position.ts';
import { formatFilter, noFilter } from '../routing/filter.ts';
import { parseKey, pathOf, type ResourceKey } from '../routing/resource-key.ts';
import { overviewLink } from '../routing/route.ts';
import { Calls } from './calls.tsx';
import { Candidates } from './candidates.tsx';
import { Commands } from './commands-menu.tsx';
import { DiagnosisPanel } from './diagnosis.tsx';
import { Passes } from './passes.tsx';
import { StatusPanel } from './status.tsx';
import { Timeline } from './timeline-panel.tsx';
import { TreePanel } from './tree-panel.tsx';

/** Interval at which a resource is loaded again, in milliseconds. */
const interval = 3_000;

interface Everything {
  trace: TraceResourceResponse;
  explained: ExplainResourceResponse;
}

/** Screen of a resource. */
export function ResourceScreen({ resourceKey }: { resourceKey: string }) {
  const parsed = parseKey(resourceKey);
  const title = parsed ? pathOf(parsed) : resourceKey;
  useEffect(() => {
    document.title = `${shown(title, 80)} – Kplug`;
  }, [title]);
  const load = async (signal: AbortSignal): Promise<Everything> => {
    const { kind = '', namespace = '', name = '' } = parsed ?? {};
    const request = { kind, namespace, name };
    const [trace, explained] = await Promise.all([
      clients.delegation.traceResource(request, { signal }),
      clients.delegation.explainResource(request, { signal }),
    ]);
    return { trace, explained };
  };
  const { value, problem, retry } = useLoaded(resourceKey, load, interval);
  useScrollPosition(value !== undefined);
  const listPasses = (signal: AbortSignal) => clients.activity.listPasses({ key: resourceKey }, { signal });
  const passes = useLoaded(`passes ${resourceKey}`, listPasses, interval);
  return (
    <div class={isStale.value || (problem && value) ? 'stack stale' : 'stack'}>
      {parsed && <Heading parsed={parsed} value={value} resourceKey={resourceKey} />}
      {problem && !isStale.value && (
        <Failure what={value ? 'newer state' : 'state of this resource'} problem={problem} retry={retry} />
      )}
      {!value && !problem && <Loading what="the resource" lines={6} />}
      {value && (
        <>
          {value.trace.diagnosis && <DiagnosisPanel diagnosis={value.trace.diagnosis} />}
          <div class="halves">
            <StatusPanel explained={value.explained} />
            <Candidates explained={value.explained} />
          </div>
          {value.trace.resource && <TreePanel root={value.trace.resource} />}
          <div class="halves">
            <Passes loaded={passes} />
            <Timeline events={value.explained.events} passes={passes.value?.passes ?? []} />
          </div>
          <Calls resourceKey={resourceKey} />
        </>
      )}
    </div>
  );
}

function Heading({
  parsed,
  value,
  resourceKey,
}: {
  parsed: ResourceKey;
  value: Everything | undefined;
  resourceKey: string;
}) {
  const delegation = value?.explained.resource?.delegation ?? '';
  const link = overviewLink(formatFilter({ ...noFilter, delegation }));
  return (
    <div class="heading">
      <div>
        <p class="muted">
          <a href="#/">Overview</a> / {delegation ? <a href={link}>{shown(delegation, 80)}</a> : '…'} /{' '}
          {shown(parsed.kind, 80)}
        </p>
        <h1>{shown(pathOf(parsed))}</h1>
      </div>
      <div class="end">
        {value?.trace.diagnosis && <StateBadge state={value.trace.diagnosis.state} />}
        <Commands resourceKey={resourceKey} />
      </div>
    </div>
  );
}
