import type { Instance } from '../registry/instance.ts';
import { recordKeyOf } from './plugin-record.ts';

/** Index from the keys of records to their instances, so that writing one record doesn't walk all instances. */
export class InstancesByRecord {
  readonly #byKey = new Map<string, Map<string, Instance>>();
  readonly #keys = new Map<string, string>();

  /** Updates the index with a new, changed or gone instance. Returns the keys of the records that it changes. */
  update(instance: Instance): string[] {
    const { instanceId } = instance.registration;
    const key = recordKeyOf(instance);
    const former = this.#keys.get(instanceId);
    if (former !== undefined && (former !== key || instance.state === 'gone')) this.#remove(instanceId, former);
    if (instance.state !== 'gone') this.#add(instanceId, key, instance);
    return former === undefined || former === key ? [key] : [former, key];
  }

  /** Returns the instances of a record, in the order in which they came. */
  of(key: string): Instance[] {
    return [...(this.#byKey.get(key)?.values() ?? [])];
  }

  #add(instanceId: string, key: string, instance: Instance): void {
    this.#keys.set(instanceId, key);
    const ofKey = this.#byKey.get(key);
    if (ofKey) ofKey.set(instanceId, instance);
    else this.#byKey.set(key, new Map([[instanceId, instance]]));
  }

  #remove(instanceId: string, key: string): void {
    this.#keys.delete(instanceId);
    const ofKey = this.#byKey.get(key);
    ofKey?.delete(instanceId);
    if (ofKey?.size === 0) this.#byKey.delete(key);
  }
}
