import { ResourceState } from '@kplug/protocol';
import type { Trace } from '../trace/read-trace.ts';
import type { TraceNode } from '../trace/trace-node.ts';
import { adviceLines } from './advice.ts';
import { ageOf } from './age.ts';
import { colorStatus, formatTable, plain } from './table.ts';
import type { Colors } from './terminal.ts';

/** Formats a trace: the root cause with what to do next, then the tree as a table. @param now in milliseconds since the epoch. */
export function formatTrace(trace: Trace, colors: Colors, now: number): string {
  const rows = rowsOf(trace.resource, '', '').map(({ node, stem }) => [
    `${stem}${node.relation === 'plugin' ? 'Plugin ' : ''}${plain(node.name)}`,
    colorStatus(node.ready, colors),
    plain(node.reason),
    node.since === undefined ? '' : ageOf(Date.parse(node.since), now),
    plain(node.message),
  ]);
  const table = formatTable({ header: ['RESOURCE', 'READY', 'REASON', 'SINCE', 'MESSAGE'], rows }, colors);
  return [formatRootCause(trace, colors), ...adviceLines(trace.diagnosis, colors), '', table].join('\n');
}

function formatRootCause({ resource, rootCause, diagnosis }: Trace, colors: Colors): string {
  if (rootCause) {
    const { name, reason, message } = rootCause;
    const why = [reason, message].filter(Boolean).map(plain).join(': ');
    return `${colors.bold('Root cause:')} ${plain(name)}: ${why || 'its state is not known'}`;
  }
  // A resource that was ready may be paused, deleted or changed since.
  const isReady = diagnosis === undefined || diagnosis.state === ResourceState.READY;
  return isReady ? colors.green(`${plain(resource.name)} is ready`) : plain(diagnosis.summary);
}

interface Row {
  node: TraceNode;
  /** Lines of the tree before the name. */
  stem: string;
}

/** @param indent lines of the tree before the children of the node. */
function rowsOf(node: TraceNode, stem: string, indent: string): Row[] {
  const children = node.children.flatMap((child, index) => {
    const isLast = index === node.children.length - 1;
    return rowsOf(child, `${indent}${isLast ? '└─ ' : '├─ '}`, `${indent}${isLast ? '   ' : '│  '}`);
  });
  return [{ node, stem }, ...children];
}
