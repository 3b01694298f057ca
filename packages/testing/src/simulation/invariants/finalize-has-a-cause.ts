import type { Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import { hasReconciled } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';

/** Finalize is called for a deletion or a hand-over. */
export class FinalizeHasACause implements Invariant {
  readonly name = 'finalize-has-a-cause';
  readonly sentence =
    'Finalize is called only for a resource that is being deleted, or that is handed over by a delegation that finalizes; ' +
    'and at a plugin that has reconciled the resource, unless the delegation lets another one finalize.';

  observe(happening: Happening, world: Simulation): string | undefined {
    if (happening.type !== 'call started' || happening.call.method !== 'Finalize') return undefined;
    const { call } = happening;
    const controller = world.controller(call.controller);
    const { handOver } = controller?.delegation?.settings ?? {};
    const { whenPluginGone } = world.declaration;
    const subject = `call ${call.id} asks ${call.plugin} to finalize ${short(call.key)}`;
    const seen = controller?.view.get(call.key);
    if (call.cause === 'deleted' && seen?.metadata.uid === call.uid && !seen.metadata.deletionTimestamp)
      return `${subject}, which is not being deleted`;
    if (call.cause === 'handedOver' && handOver !== 'finalize') return `${subject}, but the delegation retains`;
    const mayBeOther = call.cause === 'deleted' && whenPluginGone === 'fallback';
    if (!mayBeOther && !hasReconciled(world.ledger, call.uid, call.plugin))
      return `${subject}, which it has never reconciled`;
    return undefined;
  }
}
