import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '@kplug/controller';
import { isPaused, reconcileAtAnnotation } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { AnnotatedResource, type AnnotationChoice } from '../input/annotated-resource.ts';
import { readDuration } from '../input/read-duration.ts';
import { readDelegatedStatus } from '../output/delegated-status.ts';
import { resourceTable } from '../output/resource-table.ts';
import { formatTable, plain } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

/** Interval of reading the status, in milliseconds. */
const checkInterval = 250;

/** Options of `kplug reconcile`. */
export interface ReconcileOptions extends AnnotationChoice {
  wait?: boolean;
  timeout: string;
}

/** Requests a pass over a resource, and waits for its outcome if that is wanted. @param target `KIND/NAME` */
export async function reconcile(target: string, options: ReconcileOptions, terminal: Terminal): Promise<void> {
  const timeout = readDuration(options.timeout, '--timeout');
  const value = new Date().toISOString();
  const request = { [reconcileAtAnnotation]: value };
  await using resource = await AnnotatedResource.open(target, options, request);
  const annotated = await resource.annotate(request);
  if (isPaused(annotated)) {
    const message = `${resource.text} is paused, and is reconciled once it is resumed: kplug resume ${resource.argument}`;
    if (options.wait) throw new CommandError('failed', message);
    terminal.say(`${terminal.errorColors.yellow('warning:')} ${message}`);
  }
  if (!options.wait) {
    terminal.print(`${resource.text}: reconciliation requested`);
    return;
  }
  const handled = await waitUntilHandled(resource, value, { timeout, text: options.timeout });
  printOutcome(handled, resource, terminal);
}

async function waitUntilHandled(
  resource: AnnotatedResource,
  value: string,
  { timeout, text }: { timeout: number; text: string },
): Promise<Resource> {
  const until = performance.now() + timeout;
  for (;;) {
    const current = await resource.read();
    if (current.status?.lastHandledReconcileAt === value) return current;
    if (current.metadata.annotations?.[reconcileAtAnnotation] !== value) {
      const message = `another client changed the annotation ${reconcileAtAnnotation} of ${resource.text} meanwhile`;
      throw new CommandError('failed', `${message}; request the reconciliation again`);
    }
    if (isPaused(current)) throw new CommandError('failed', `${resource.text} was paused meanwhile`);
    const remaining = until - performance.now();
    if (remaining <= 0) {
      const advice = `see "kplug explain ${resource.argument}" and "kplug doctor"; a CustomResourceDefinition that lists the fields of its status needs lastHandledReconcileAt`;
      throw new CommandError('unreachable', `no operator reconciled ${resource.text} within ${text}; ${advice}`);
    }
    await sleep(Math.min(checkInterval, remaining));
  }
}

/** Prints the resource as `kplug get` does. Throws a `CommandError` if it isn't ready. */
function printOutcome(resource: Resource, { text }: AnnotatedResource, { colors, print }: Terminal): void {
  const table = resourceTable([resource], {
    wide: false,
    allNamespaces: false,
    held: new Set(),
    colors,
    now: Date.now(),
  });
  print(formatTable(table, colors));
  const status = readDelegatedStatus(resource);
  if (status?.ready === 'True') return;
  const { reason = 'Unknown', message = 'its status has no condition Ready' } = status ?? {};
  throw new CommandError('failed', `${text} is not ready: ${reason}: ${plain(message)}`);
}
