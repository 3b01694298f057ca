/** Fault of a YAML text, with its offset in characters. */
export interface YamlFault {
  offset: number;
  message: string;
}

/** Value of a YAML text that can't be read. Never leaves this folder. */
export class YamlReadError extends Error {
  override readonly name = 'YamlReadError';
  readonly offset: number;

  constructor({ offset, message }: YamlFault) {
    super(message);
    this.offset = offset;
  }
}
