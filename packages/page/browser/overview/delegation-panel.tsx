import type { CauseSummary, DelegationSummary } from '@kplug/protocol/services';
import { countOf, formatCount, formatShare } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { wordOf } from '../format/state.ts';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { type Filter, formatFilter, noFilter, stateWords } from '../routing/filter.ts';
import { filter } from '../routing/location.ts';
import { nameOfKey } from '../routing/resource-key.ts';
import { overviewLink, resourceLink } from '../routing/route.ts';
import { StateBar } from './state-bar.tsx';

/** Causes that are listed for a delegation. The table has the resources of all. */
const shownCauses = 8;

/** Numbers of a delegation, and why its resources aren't ready. */
export function DelegationPanel({ delegation }: { delegation: DelegationSummary }) {
  const { name, kind, apiVersion, total, ready, causes, problemReason, problemMessage } = delegation;
  const link = (changes: Partial<Filter>) => linkTo({ ...changes, delegation: name });
  return (
    <Panel
      title={
        <>
          <a href={link({})}>{shown(name, 80)}</a> <span class="muted">{shown(kind, 80)}</span>
        </>
      }
      end={
        <span title={shown(`${apiVersion} ${kind}`)}>
          {total === 0 ? 'no resources' : `${formatShare(ready, total)} ready`}
        </span>
      }
    >
      {problemReason && (
        <p class="state-failing wrap">
          <Icon name="warning" /> {shown(problemMessage || problemReason)} Its numbers may be out of date.
        </p>
      )}
      {total === 0 ? (
        <p class="muted">
          No {shown(kind, 80)} exists{filter.value.namespace ? ' in this namespace' : ''} yet.
        </p>
      ) : (
        <>
          <StateBar counts={delegation} />
          <ul class="counts number">
            {stateWords
              .filter((word) => delegation[word] > 0 || word === 'ready')
              .map((word) => (
                <li key={word}>
                  <a class={`state state-${word}`} href={link({ states: [word] })}>
                    <Icon name={word} />
                    <strong>{formatCount(delegation[word])}</strong> {word}
                  </a>
                </li>
              ))}
          </ul>
        </>
      )}
      {causes.length > 0 && (
        <ol class="causes" aria-label={`Why resources of ${shown(name, 80)} aren’t ready`}>
          {causes.slice(0, shownCauses).map((cause) => (
            <Cause key={cause.id} cause={cause} link={link({ cause: cause.id })} />
          ))}
        </ol>
      )}
      {causes.length > shownCauses && <p class="muted">and {countOf(causes.length - shownCauses, 'further cause')}</p>}
    </Panel>
  );
}

function Cause({ cause, link }: { cause: CauseSummary; link: string }) {
  const { state, reason, summary, advice, resources, example } = cause;
  const exampleLink = resourceLink(example);
  return (
    <li>
      <span class={`state-${wordOf(state)}`}>
        <Icon name={wordOf(state)} />
        <span class="hidden">{wordOf(state)}</span>
      </span>
      <div>
        <p class="summary">{shown(summary || reason)}</p>
        {advice && <p class="advice">{shown(advice)}</p>}
        <p class="links">
          <a href={link}>Show {countOf(resources, 'resource')}</a>
          {exampleLink && <a href={exampleLink}>Example: {shown(nameOfKey(example), 90)}</a>}
        </p>
      </div>
      <span class="many" title={`${countOf(resources, 'resource')}: ${shown(reason, 80)}`}>
        {formatCount(resources)}
      </span>
    </li>
  );
}

/** Link to the resources of a filter in the namespace that is shown. */
function linkTo(changes: Partial<Filter>): string {
  return overviewLink(formatFilter({ ...noFilter, namespace: filter.value.namespace, ...changes }));
}
