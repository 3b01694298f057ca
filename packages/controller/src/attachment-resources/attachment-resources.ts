import type { Logger } from 'pino';
import type { Attachment } from '../attachments/attachment.ts';
import { type Attachments, attachedInstanceId } from '../attachments/attachments.ts';
import type { Connections } from '../clients/connections.ts';
import type { Delegations } from '../delegation/delegations.ts';
import { KplugError, messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { formatPlugin } from '../names.ts';
import { type WorkOutcome, WorkQueue } from '../queue/work-queue.ts';
import type { Clock } from '../registry/clock.ts';
import type { Registry, RegistryChange } from '../registry/registry.ts';
import type { AttachmentStore } from '../resources/cluster-services.ts';
import { findCondition } from '../resources/conditions.ts';
import type { ResourceChange, Resources } from '../resources/port.ts';
import { formatKey, keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import { attachmentKind, leaseOf, readAttachment, renewalOf } from './attachment-resource.ts';
import { type AttachmentFindings, composeAttachmentStatus, type MatchedResource } from './attachment-status.ts';

const fieldManager = 'kplug/attachments';

const done: WorkOutcome = { next: 'done' };

/** Delay of a refresh as a multiple of the time that the last one took. */
const refreshShare = limits.attachments.refreshShare;

const { maxTotal, maxPerNamespace, settleTime } = limits.attachments;

/** Dependencies of `AttachmentResources`. */
export interface AttachmentResourcesParts {
  resources: Resources;
  registry: Registry;
  delegations: Delegations;
  attachments: Attachments;
  connections: Connections;
  clock: Clock;
  /** Removes those whose lease has expired. Without it, they stay, without an effect. */
  store: AttachmentStore | undefined;
  log: Logger;
}

/** Lease of an `Attachment` resource, by the clock of this process: from the time at which it saw the last renewal. */
interface Lease {
  readonly uid: string;
  renewal: string;
  /** Time at which it expires, by the clock. */
  expiresAt: number;
  isExpired: boolean;
  cancel: () => void;
}

/** Brings attachments into effect as users create them by `Attachment` resources, and ends those whose leases expire. */
export class AttachmentResources {
  readonly #parts: AttachmentResourcesParts;
  readonly #leases = new Map<ResourceKey, Lease>();
  readonly #queue: WorkQueue<ResourceKey>;
  readonly #stopping = new AbortController();
  #unsubscribe: () => void = () => undefined;
  /** Delay of the next refresh of a status. It grows with the number of resources, so that refreshes take a small share of the time. */
  #refreshDelay: number = settleTime;

  constructor(parts: AttachmentResourcesParts) {
    this.#parts = parts;
    this.#queue = new WorkQueue({ concurrency: 1, work: (key) => this.#work(key) });
  }

  /** Starts. Fulfilled when the existing attachments are in effect. */
  async start(): Promise<void> {
    const { registry, resources, delegations, log } = this.#parts;
    const unsubscribes = [
      registry.subscribe((change) => this.#onPluginChange(change)),
      delegations.onChange(() => this.#refreshAll()),
      delegations.onPass((delegation, base, outcome) => this.#onPass(delegation, base, outcome)),
    ];
    this.#unsubscribe = () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
    const { signal } = this.#stopping;
    await resources.follow(attachmentKind, (change) => this.#onChange(change), {
      signal,
      onProblem: (problem) => problem && log.warn(`attachments are not followed: ${problem.message}`),
    });
    await this.#queue.whenIdle();
  }

  /** Ends all tunnels. The attachments stay in the cluster: the next leader continues with them. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    for (const { cancel } of this.#leases.values()) cancel();
    await this.#queue.close();
    this.#parts.attachments.close();
  }

  /** Handles a tunnel that opened or ended: its plugin can be reached now, or no longer. */
  onTunnel(attachment: string): void {
    const { registry, connections } = this.#parts;
    const instance = registry.get(attachedInstanceId(attachment));
    if (instance) void connections.check(instance);
    this.#refresh(attachment);
  }

  #onChange({ resource, gone }: ResourceChange): void {
    const key = keyOf(resource);
    if (gone || resource.metadata.deletionTimestamp) {
      this.#forget(key, resource);
      return;
    }
    const renewal = renewalOf(resource);
    const known = this.#leases.get(key);
    if (known?.uid === resource.metadata.uid) {
      // An expired one is being removed; a late renewal doesn't bring it back.
      if (known.isExpired || known.renewal === renewal) return;
      known.renewal = renewal;
      this.#renew(key, known, leaseOf(resource));
      return;
    }
    if (known) this.#forget(key, resource);
    const lease = { uid: resource.metadata.uid, renewal, expiresAt: 0, isExpired: false, cancel: () => undefined };
    this.#leases.set(key, lease);
    this.#renew(key, lease, leaseOf(resource));
    this.#queue.add(key);
  }

  #renew(key: ResourceKey, lease: Lease, duration: number): void {
    lease.cancel();
    lease.expiresAt = this.#parts.clock.now() + duration;
    this.#expireAfter(key, lease, duration);
  }

  #expireAfter(key: ResourceKey, lease: Lease, delay: number): void {
    const { clock, resources } = this.#parts;
    lease.cancel = clock.after(delay, () => {
      // The clock stood still while this process did: renewals may wait to be read.
      const remaining = lease.expiresAt - clock.now();
      if (remaining > 0) return this.#expireAfter(key, lease, Math.ceil(remaining));
      lease.isExpired = true;
      const resource = resources.get(key);
      if (resource) this.#end(resource, 'its lease expired');
      this.#queue.add(key);
    });
  }

  #forget(key: ResourceKey, resource: Resource): void {
    this.#leases.get(key)?.cancel();
    this.#leases.delete(key);
    this.#end(resource, 'it was deleted');
    // There may be room for another one now.
    this.#refreshAll();
  }

  /** Hands the resources of an attachment back. */
  #end({ metadata: { namespace = '', name } }: Resource, reason: string): void {
    const { attachments, registry, log } = this.#parts;
    const attachment = attachments.get(`${namespace}/${name}`);
    if (!attachment) return;
    attachments.remove(attachment.key, `the attachment ended: ${reason}`);
    registry.evict(attachedInstanceId(attachment.key), `its attachment ended: ${reason}`);
    log.info({ attachment: attachment.key, user: attachment.user }, `attachment ${attachment.key} ended: ${reason}`);
    this.#regroup(attachment);
    // Another attachment may match the same resources.
    this.#refreshAll();
  }

  #regroup({ delegation, namespace }: Attachment): void {
    this.#parts.delegations.get(delegation)?.attachmentsChanged(namespace);
  }

  async #work(key: ResourceKey): Promise<WorkOutcome> {
    const { resources, log } = this.#parts;
    const resource = resources.get(key);
    const lease = this.#leases.get(key);
    if (!resource || !lease) return done;
    try {
      if (lease.isExpired) return await this.#remove(resource);
      return await this.#report(key, resource, await this.#admit(resource));
    } catch (error) {
      if (error instanceof KplugError && (error.code === 'Stopped' || error.code === 'LeadershipLost')) return done;
      log.error({ err: error, resource: key }, `${messageOf(error)}; retrying`);
      return { next: 'retry' };
    }
  }

  /** Brings an attachment into effect. Returns what is found about it. */
  async #admit(resource: Resource): Promise<AttachmentFindings> {
    const { attachments, delegations, registry } = this.#parts;
    let attachment: Attachment;
    try {
      attachment = readAttachment(resource);
    } catch (error) {
      return { refusal: { reason: 'Malformed', message: messageOf(error) } };
    }
    const delegation = delegations.get(attachment.delegation);
    if (!delegation) {
      const names = [...delegations].map(({ settings }) => settings.name).join(', ') || 'none';
      const message = `there is no delegation "${attachment.delegation}"; there are: ${names}`;
      return { refusal: { reason: 'DelegationNotFound', message } };
    }
    if (!attachments.get(attachment.key)) {
      const full = this.#findFull(attachment);
      if (full !== undefined) return { refusal: { reason: 'TooMany', message: full } };
      await attachments.add(attachment);
      // It may have ended meanwhile.
      if (this.#leases.get(keyOf(resource))?.uid !== attachment.uid) {
        attachments.remove(attachment.key, 'the attachment ended');
        return {};
      }
      this.#parts.log.info(
        { attachment: attachment.key, user: attachment.user },
        `${attachment.user} attached a plugin to resources of the delegation ${attachment.delegation} in ${attachment.namespace}`,
      );
      this.#regroup(attachment);
    }
    const instance = registry.get(attachedInstanceId(attachment.key));
    return {
      attachment,
      registered: instance && instance.state !== 'gone' ? instance.registration : undefined,
      isConnected: attachments.isConnected(attachment.key),
      resources: await this.#resourcesOf(attachment),
    };
  }

  #findFull({ namespace }: Attachment): string | undefined {
    const all = this.#parts.attachments.all();
    const own = all.filter((one) => one.namespace === namespace).length;
    if (own >= maxPerNamespace)
      return `the namespace has ${own} attachments, the maximum; it waits until one of them ends`;
    return all.length >= maxTotal
      ? `there are ${all.length} attachments, the maximum; it waits until one of them ends`
      : undefined;
  }

  async #resourcesOf(attachment: Attachment): Promise<MatchedResource[]> {
    const { delegations, attachments } = this.#parts;
    const delegation = delegations.get(attachment.delegation);
    const found: MatchedResource[] = [];
    const startedAt = performance.now();
    await delegation?.visitBases((base) => {
      const { namespace, name, labels = {} } = base.metadata;
      if (namespace !== attachment.namespace || !attachment.matches(labels)) return;
      const owner = attachments.of(attachment.delegation, base);
      const [chosen] = delegation.explain(base).selection.chosen;
      found.push({
        name,
        plugin: chosen ? formatPlugin(chosen) : '',
        isTaken: chosen?.attachment === attachment.key,
        rival: owner && owner.key !== attachment.key ? owner.key : undefined,
        ready: findCondition(base.status, 'Ready')?.status ?? 'Unknown',
      });
    });
    this.#refreshDelay = Math.max(settleTime, (performance.now() - startedAt) * refreshShare);
    return found.sort((a, b) => a.name.localeCompare(b.name));
  }

  async #report(key: ResourceKey, resource: Resource, findings: AttachmentFindings): Promise<WorkOutcome> {
    const current = this.#parts.resources.get(key) ?? resource;
    const status = composeAttachmentStatus(current, findings);
    await this.#parts.resources.applyStatus(key, status, { uid: resource.metadata.uid, fieldManager });
    return done;
  }

  async #remove(resource: Resource): Promise<WorkOutcome> {
    const { namespace = '', name, uid } = resource.metadata;
    const { store } = this.#parts;
    if (store) await store.remove({ namespace, name, uid });
    else
      await this.#report(keyOf(resource), resource, { refusal: { reason: 'Expired', message: 'its lease expired' } });
    return done;
  }

  #onPluginChange({ instance: { registration } }: RegistryChange): void {
    if (registration.attachment !== undefined) this.#refresh(registration.attachment);
  }

  /** Refreshes the status of an attachment, and tells its user of the pass, if the pass was over one of its resources. */
  #onPass(delegation: string, base: Resource, message: string): void {
    const { attachments } = this.#parts;
    const attachment = attachments.of(delegation, base);
    if (!attachment) return;
    attachments.notify(attachment.key, { resource: `${base.kind}/${base.metadata.name}`, message });
    this.#refresh(attachment.key);
  }

  #refresh(attachment: string): void {
    const [namespace = '', name = ''] = attachment.split('/');
    const key = formatKey({ ...attachmentKind, namespace, name });
    if (this.#leases.has(key)) this.#queue.addWithin(key, this.#refreshDelay);
  }

  #refreshAll(): void {
    for (const key of this.#leases.keys()) this.#queue.addWithin(key, this.#refreshDelay);
  }
}
