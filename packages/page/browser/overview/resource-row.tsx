import type { DelegatedResource } from '@kplug/protocol/services';
import { shown } from '../format/shown.ts';
import { Age } from '../parts/age.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { parseKey, pathOf } from '../routing/resource-key.ts';
import { pluginLink, resourceLink } from '../routing/route.ts';

interface ResourceRowProps {
  index: number;
  /** Place and height in the list, in pixels. */
  top: number;
  height: number;
  /** Undefined while it isn't loaded. */
  resource: DelegatedResource | undefined;
  tabIndex: number;
}

/** Row of a resource. */
export function ResourceRow({ index, top, height, resource, tabIndex }: ResourceRowProps) {
  const style = { transform: `translateY(${top}px)`, height: `${height}px` };
  return (
    <div class="row" role="row" aria-rowindex={index + 2} data-row={index} style={style}>
      {resource ? <Cells resource={resource} tabIndex={tabIndex} /> : <Placeholder />}
    </div>
  );
}

function Cells({ resource, tabIndex }: { resource: DelegatedResource; tabIndex: number }) {
  const { key, state, plugin, readyReason, readyMessage, since } = resource;
  const parsed = parseKey(key);
  const name = shown(parsed ? pathOf(parsed) : key);
  const message = shown(readyMessage);
  return (
    <>
      <span role="cell" class="status">
        <StateBadge state={state} />
      </span>
      <span role="cell" class="kind">
        {shown(parsed?.kind ?? '')}
      </span>
      <span role="cell" class="name">
        <a href={resourceLink(key) ?? '#/'} tabIndex={tabIndex} title={name}>
          {name}
        </a>
      </span>
      <span role="cell" class="plugin">
        {plugin ? (
          <a href={pluginLink(plugin)} tabIndex={-1}>
            {shown(plugin, 80)}
          </a>
        ) : (
          <span class="muted">–</span>
        )}
      </span>
      <span role="cell" class="reason" title={shown(readyReason)}>
        {shown(readyReason)}
      </span>
      <span role="cell" class="message" title={message}>
        {message}
      </span>
      <span role="cell" class="since">
        <Age time={since} isShort />
      </span>
    </>
  );
}

function Placeholder() {
  return (
    <span role="cell">
      <span class="hidden">Loading</span>
      <span class="skeleton" />
    </span>
  );
}
