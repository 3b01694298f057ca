import type { DelegationSettings } from '../delegation/delegation-settings.ts';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { AccessReviewer, NeededRight } from '../resources/cluster-services.ts';

/** Validity of a review, in milliseconds: missing rights are often granted soon, granted ones rarely revoked. */
const { missingRightsAge: missing, sufficientRightsAge: sufficient } = limits.delegationResources;
const validity = { missing, sufficient };

/** Result of a review. */
export interface Review {
  /** Missing rights, in words; `undefined` when they are unknown. */
  missing: readonly string[] | undefined;
  /** Time until the next review, in milliseconds. */
  validFor: number;
}

/** Reviews whether the operator has the rights that delegations need. Caches the results. */
export class RightsReview {
  readonly #access: AccessReviewer | undefined;
  readonly #reviews = new Map<string, { review: Review; until: number }>();

  /** @param access missing where resources need no rights. */
  constructor(access: AccessReviewer | undefined) {
    this.#access = access;
  }

  async of(settings: DelegationSettings): Promise<Review> {
    const rights = rightsOf(settings);
    const subject = JSON.stringify(rights);
    const known = this.#reviews.get(subject);
    const now = performance.now();
    if (known && known.until > now) return { ...known.review, validFor: known.until - now };
    const missing = await this.#ask(rights);
    const review = { missing, validFor: missing?.length === 0 ? validity.sufficient : validity.missing };
    this.#reviews.set(subject, { review, until: performance.now() + review.validFor });
    return review;
  }

  async #ask(rights: readonly NeededRight[]): Promise<readonly string[] | undefined> {
    try {
      return (await this.#access?.review(rights)) ?? [];
    } catch (error) {
      if (error instanceof KplugError && error.code === 'StorageFailed') return undefined;
      throw error;
    }
  }
}

function rightsOf({ base, extensions, dependents, requirements }: DelegationSettings): NeededRight[] {
  const kinds = extensions.kinds ?? [];
  return [
    { kind: base, verbs: ['list', 'watch', 'patch'] },
    { kind: base, subresource: 'status', verbs: ['patch'] },
    ...kinds.flatMap((kind): NeededRight[] => [
      { kind, verbs: ['list', 'watch'] },
      { kind, subresource: 'status', verbs: ['patch'] },
    ]),
    ...dependents.permittedKinds.map(
      (kind): NeededRight => ({ kind, verbs: ['list', 'watch', 'create', 'patch', 'delete'] }),
    ),
    ...requirements.kinds.map(
      ({ apiVersion, kind }): NeededRight => ({ kind: { apiVersion, kind }, verbs: ['list', 'watch'] }),
    ),
  ];
}
