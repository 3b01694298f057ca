import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { CertificateStore, StoredCertificates } from '../resources/services/certificate-store.ts';
import { CertificateSet } from './certificate-set.ts';
import type { CertificateExpiry, CertificateObserver, CertificateOperation } from './certificate-source.ts';
import { CheckedCertificates, type CheckOptions } from './checked-certificates.ts';
import type { ServerNames } from './issue-certificate.ts';
import { nextStep, type Step } from './next-step.ts';

const { maxConflictAttempts, maxSteps } = limits.certificates;

/** Parts and options of managed certificates. */
export interface ManagedCertificatesOptions extends CheckOptions {
  store: CertificateStore;
  /** Names in the certificate of the heartbeat port. */
  names: ServerNames;
  observer?: CertificateObserver;
}

/**
 * The operator's own CA and certificates: made when there are none, renewed at two thirds of their lifetimes, and shared with other
 * replicas by their store. Any replica renews them, and takes over what another one has renewed.
 */
export class ManagedCertificates extends CheckedCertificates {
  readonly #store: CertificateStore;
  readonly #names: ServerNames;
  readonly #observer: CertificateObserver | undefined;
  #known = CertificateSet.none;

  constructor(options: ManagedCertificatesOptions) {
    super(options, 'the certificates could not be checked');
    this.#store = options.store;
    this.#names = options.names;
    this.#observer = options.observer;
  }

  /**
   * Reads the stored certificates, does what is due, and uses and publishes the result. Returns the time of the next step. Calls must not
   * overlap.
   */
  async check(): Promise<number> {
    const { set, until } = await this.#update();
    this.#use(set);
    if ((await this.#publish()) === 'published') this.log.info('the CA bundle was published');
    return until;
  }

  /** Does all steps that are due. Returns the certificates after them, and the time of the next step. */
  async #update(): Promise<{ set: CertificateSet; until: number }> {
    let conflicts = 0;
    for (let steps = 0; steps < maxSteps; steps++) {
      // Certificates that were deleted while they are in use are stored again: new ones would lock out all plugins.
      const { set, stored } = await this.#try('read', () => this.#read());
      const now = this.now();
      const step = nextStep(set.facts(this.#names), now);
      if (step.do === 'wait' && stored) return { set, until: step.until };
      const next = step.do === 'wait' ? set : await this.#make(set, step, now);
      const result = await this.#try('write', () => this.#store.write(next.data, stored?.version));
      if (result === 'written') {
        this.#logStep(step);
        continue;
      }
      if (++conflicts >= maxConflictAttempts) {
        throw new KplugError('StorageFailed', `${this.#store.place} is changed by others all the time`);
      }
    }
    throw new KplugError(
      'StorageFailed',
      `the certificates in ${this.#store.place} are not those that were written there`,
    );
  }

  async #make(set: CertificateSet, step: Exclude<Step, { do: 'wait' }>, now: number): Promise<CertificateSet> {
    if (step.do === 'publish') await this.#publish();
    return set.after(step, this.#names, now);
  }

  #publish(): Promise<'published' | 'unchanged'> {
    return this.#try('publish', () => this.#store.publish(async () => (await this.#read()).set.bundle));
  }

  /** Reads the stored certificates; those in use when none are stored. */
  async #read(): Promise<{ set: CertificateSet; stored: StoredCertificates | undefined }> {
    const stored = await this.#store.read();
    return { set: stored ? CertificateSet.read(stored.data, this.#store.place) : this.#known, stored };
  }

  #use(set: CertificateSet): void {
    this.#known = set;
    const [server, caller] = [set.leaf('server'), set.leaf('caller')];
    if (!server || !caller) return;
    const changed = this.state.use({ server, caller, caBundle: set.bundle, authority: set.authority });
    for (const certificate of changed) this.#observer?.renewed(certificate);
    if (changed.length === 0) return;
    const expiries = this.state.expiries().map((one) => [one.certificate, new Date(one.notAfter).toISOString()]);
    this.log.info(
      { place: this.#store.place, expiries: Object.fromEntries(expiries) },
      `using new certificates: ${changed.map((one) => names[one]).join(', ')}`,
    );
  }

  async #try<T>(operation: CertificateOperation, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#observer?.failed(operation);
      throw error;
    }
  }

  #logStep(step: Step): void {
    const { place } = this.#store;
    if (step.do === 'wait') this.log.warn(`${place} was deleted; it was created again with the certificates in use`);
    else if (step.do === 'issue')
      this.log.info(`certificates were renewed: ${step.uses.map((use) => names[use]).join(', ')}`);
    else this.log.info(`${steps[step.do]}; stored in ${place}`);
  }
}

const steps: Record<Exclude<Step['do'], 'wait' | 'issue'>, string> = {
  create: 'a CA and certificates of it were made',
  prepare: 'a new CA was made, which signs when its bundle has reached all plugins',
  publish: 'the bundle with the new CA was published',
  promote: 'the new CA signs from now on, and certificates of it were made',
  prune: 'expired CAs were removed from the bundle',
};

const names: Record<CertificateExpiry['certificate'], string> = {
  ca: 'CA bundle',
  server: 'certificate of the heartbeat port',
  caller: 'certificate for calls of plugins',
};
