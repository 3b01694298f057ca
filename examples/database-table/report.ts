import type { Message, PluginEvent, Received, ReconcileResult, ResourceShape } from '@kplug/sdk';
import { type Change, describe, driftAmong } from './plan.ts';
import type { Layout, TableInput } from './table.ts';

/** Result of a pass over a table. */
export interface Pass {
  /** Name of the plugin. */
  database: string;
  base: TableInput<never>['base'];
  table: string;
  /** Layout of the table after the pass. */
  layout: Layout;
  /** Changes that were made; `created` if the table did not exist. */
  done: 'created' | Change[];
  /** Extensions that are ignored, as only one of their kind is used. */
  ignored: Received<ResourceShape>[];
}

/** Reports a pass. The same table has the same status, which avoids unnecessary writes. */
export function report(pass: Pass): ReconcileResult {
  const { database, table, layout, ignored } = pass;
  return {
    status: { table: { database, name: table, ...layout } },
    messages: [summarize(pass), ...ignored.map(ignoredExtension)],
    events: eventsOf(pass),
    requeueAfter: checkInterval,
  };
}

/** Returns the layout of the last report; `undefined` if that is about another database. */
export function reportedLayout(base: Pass['base'], database: string): Layout | undefined {
  const reported = base.status?.table;
  return reported?.database === database ? reported : undefined;
}

/** Interval between checks for drift, in milliseconds. */
const checkInterval = Number(process.env.DATABASE_TABLE_CHECK_INTERVAL ?? 30_000);
if (!(checkInterval > 0)) {
  throw new Error('DATABASE_TABLE_CHECK_INTERVAL must be a number of milliseconds above 0, for example 30000.');
}

function summarize({ database, table, done }: Pass): Message {
  const subject = `${database} table ${table}`;
  if (done === 'created') return { reason: 'TableCreated', text: `${subject}: created.` };
  if (done.length > 0) return { reason: 'TableChanged', text: `${subject}: ${describeAll(done)}.` };
  return { reason: 'Unchanged', text: `${subject} is up to date.` };
}

function eventsOf({ database, base, table, layout, done }: Pass): PluginEvent[] {
  const reported = reportedLayout(base, database);
  if (done === 'created') {
    return reported
      ? [drifted(`Another client had dropped table ${table}. Created it again, without its rows.`)]
      : [{ reason: 'TableCreated', message: `${database} table ${table}: created.` }];
  }
  const drift = reported ? driftAmong(done, layout, reported) : [];
  const edits = done.filter((change) => !drift.includes(change));
  const events: PluginEvent[] = [];
  if (drift.length > 0)
    events.push(drifted(`Another client had altered table ${table}. Corrected: ${describeAll(drift)}.`));
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
  const text = `${extension.kind} ${extension.metadata.name} is ignored, as the table already has an extension of that kind.`;
  return { severity: 'warning', reason: 'ExtensionIgnored', text, extension };
}
