/** A failure of a command. The message is a sentence for the user: what happened, to what, and what to do next. */
export class CommandError extends Error {
  name = 'CommandError';
  failure;
  constructor(failure, message, options) {
    super(message, options);
    this.failure = failure;
  }
}
//# sourceMappingURL=command-error.js.map
