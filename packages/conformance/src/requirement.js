/** A requirement isn't met. */
export class NotMet extends Error {
  name = 'NotMet';
  seen;
  expected;
  constructor(seen, expected) {
    super(`${seen}; expected: ${expected}`);
    this.seen = seen;
    this.expected = expected;
  }
}
/** A requirement couldn't be tried; the message says why, and what to do so that it can. */
export class NotTried extends Error {
  name = 'NotTried';
}
/** A requirement that can't be seen from outside: it stands in the list so that nobody takes it for met. */
export function unseen(number, level, title, why) {
  return { number, level, title, check: () => Promise.reject(new NotTried(why)) };
}
//# sourceMappingURL=requirement.js.map
