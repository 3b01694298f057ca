/** Fault of a YAML text, with its offset in characters. */
export interface YamlFault {
  offset: number;
  message: string;
}

/** Maximum length of a message, which may quote the text. */
const maxMessageLength = 500;

/** Returns a fault. A long message is cut. */
export function yamlFault(offset: number, message: string): YamlFault {
  const isLong = message.length > maxMessageLength;
  return { offset, message: isLong ? `${message.slice(0, maxMessageLength - 1).toWellFormed()}…` : message };
}

/** Value of a YAML text that can't be read. */
export class YamlReadError extends Error {
  override readonly name = 'YamlReadError';
  readonly offset: number;

  constructor({ offset, message }: YamlFault) {
    super(message);
    this.offset = offset;
  }
}
