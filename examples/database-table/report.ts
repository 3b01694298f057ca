import type { Message, PluginEvent, Received, ReconcileResult, ResourceShape } from '@kplug/sdk';
import { type Change, describe, driftAmong } from './plan.ts';
import type { Layout, TableInput } from './table.ts';

/** What a pass over a table came to. */
export interface Pass {
  /** The plugin's name. */
  database: string;
  base: TableInput<never>['base'];
  table: string;
  /** What the table is now. */
  layout: Layout;
  /** What was done; `created` when there was no table. */
  done: 'created' | Change[];
  /** Extensions of a kind of which one is enough. */
  ignored: Received<ResourceShape>[];
}

/** What all plugins here report of a pass. The same table gives the same status, so that nothing is written for nothing. */
export function report(pass: Pass): ReconcileResult {
  const { database, table, layout, ignored } = pass;
  return {
    status: { table: { database, name: table, ...layout } },
    messages: [summarize(pass), ...ignored.map(ignoredExtension)],
    events: eventsOf(pass),
    requeueAfter: checkInterval,
  };
}

/** When a table is looked at again although nothing changed, in milliseconds, to find what was done to it by hand. */
const checkInterval = Number(process.env.DATABASE_TABLE_CHECK_INTERVAL ?? 30_000);
if (!(checkInterval > 0)) {
  throw new Error('DATABASE_TABLE_CHECK_INTERVAL must be a number of milliseconds above 0, for example 30000.');
}

function summarize({ database, table, done }: Pass): Message {
  const subject = `${database} table ${table}`;
  if (done === 'created') return { reason: 'TableCreated', text: `${subject}: created.` };
  if (done.length > 0) return { reason: 'TableChanged', text: `${subject}: ${describeAll(done)}.` };
  return { reason: 'Unchanged', text: `${subject} is as described.` };
}

function eventsOf({ database, base, table, layout, done }: Pass): PluginEvent[] {
  const former = base.status?.table;
  // What another database's plugin reported says nothing of this database.
  const reported = former?.database === database ? former : undefined;
  if (done === 'created') {
    return reported
      ? [drifted(`Someone else had dropped table ${table}. Put right: created it anew, without its rows.`)]
      : [{ reason: 'TableCreated', message: `${database} table ${table}: created.` }];
  }
  const drift = reported ? driftAmong(done, layout, reported) : [];
  const edits = done.filter((change) => !drift.includes(change));
  const events: PluginEvent[] = [];
  if (drift.length > 0)
    events.push(drifted(`Someone else had altered table ${table}. Put right: ${describeAll(drift)}.`));
  if (edits.length > 0) {
    events.push({ reason: 'TableChanged', message: `${database} table ${table}: ${describeAll(edits)}.` });
  }
  return events;
}

function drifted(message: string): PluginEvent {
  return { type: 'Warning', reason: 'DriftCorrected', message };
}

function describeAll(changes: Change[]): string {
  return changes.map(describe).join('; ');
}

function ignoredExtension(extension: Received<ResourceShape>): Message {
  const text = `${extension.kind} ${extension.metadata.name} is ignored, as the table has one of that kind already.`;
  return { severity: 'warning', reason: 'ExtensionIgnored', text, extension };
}
