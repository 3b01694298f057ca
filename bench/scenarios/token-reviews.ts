import { Child } from '../child.ts';
import type { CountedReviews, TokenReviewCommands } from '../processes/token-reviews.ts';

/** TokenReviews in an hour. */
export interface ReviewCounts {
  plugins: number;
  session: CountedReviews;
  unary: CountedReviews;
}

const hour = 3_600;

/** Counts the TokenReviews for some plugins in an hour of virtual time. */
export async function countReviews(plugins: number): Promise<ReviewCounts> {
  const count = async (way: 'session' | 'unary') => {
    // A process of its own, as virtual time replaces its timers.
    await using child = new Child<TokenReviewCommands>(new URL('../processes/token-reviews.ts', import.meta.url));
    return await child.ask('count', { way, plugins, duration: hour });
  };
  return { plugins, session: await count('session'), unary: await count('unary') };
}
