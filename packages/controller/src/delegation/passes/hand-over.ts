import { formatPlugin } from '../../names.ts';
import type { Failure } from '../calls/attempt.ts';
import type { Choice } from '../choices/choose.ts';
import { findHolder, type Holder } from '../holders/holder.ts';
import { describeProgress } from '../operations/operation.ts';
import { callFinalize } from './finalize.ts';
import type { Pass } from './pass.ts';

/**
 * Hands a resource over from the plugins that reconciled it last, if others are chosen now. What they created is retained by
 * default, or finalized first. Returns the failure that prevents the hand-over, if any.
 */
export async function handOver(pass: Pass, { selection: { chosen } }: Choice): Promise<Failure | undefined> {
  const next = chosen.map(formatPlugin).join(', ');
  for (const holder of pass.context.holders.holdersOf(pass.base)) {
    if (chosen.some(({ plugin }) => plugin.equals(holder.plugin))) continue;
    const failure = await handOverFrom(pass, holder, next);
    if (failure) return failure;
    pass.context.holders.remove(pass.base, holder);
    pass.context.operations.remove(pass.base, holder.plugin);
    pass.context.requirements.remove(pass.base, holder);
  }
  return undefined;
}

async function handOverFrom(pass: Pass, holder: Holder, next: string): Promise<Failure | undefined> {
  const { settings, events, registry, breakers, operations, attachments } = pass.context;
  const former = formatPlugin(holder);
  const record = (type: 'Normal' | 'Warning', message: string) => {
    events.record(pass.key, { type, reason: 'HandedOver', message });
  };
  if (settings.handOver === 'retain') {
    const operation = operations.find(pass.base, holder.plugin);
    const abandoned = operation ? `; its operation is not followed any more: ${describeProgress(operation)}` : '';
    record('Normal', `handed over from ${former} to ${next}; what ${former} created is retained${abandoned}`);
    return undefined;
  }
  const implementation = findHolder(holder, settings, registry, {
    suspensions: breakers.suspensions('Finalize', pass.key),
    attachment: attachments?.of(settings.name, pass.base)?.key,
  });
  const finalization = implementation
    ? await callFinalize(pass, implementation, 'handedOver')
    : ({ outcome: 'unreachable' } as const);
  switch (finalization.outcome) {
    case 'finalized':
      record('Normal', `handed over from ${former} to ${next}; ${former} finalized the resource first`);
      return undefined;
    case 'unreachable':
      record('Warning', `handed over from ${former} to ${next}; ${former} was unavailable to finalize the resource`);
      return undefined;
    case 'failed': {
      // The fallback doesn't wait for a suspended plugin, as it wouldn't for one that is unreachable.
      if (finalization.failure.reason === 'PluginSuspended' && settings.breaker.fallback) {
        record(
          'Warning',
          `handed over from ${former} to ${next}; ${former} was suspended and couldn't finalize the resource`,
        );
        return undefined;
      }
      if (finalization.failure.isProgress) {
        const message = `the hand-over to ${next} waits: ${finalization.failure.message}`;
        return { ...finalization.failure, message };
      }
      const message = `hand-over to ${next} failed: ${finalization.failure.message}`;
      return { ...finalization.failure, reason: 'HandOverFailed', message };
    }
  }
}
