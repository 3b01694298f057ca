import { type KubectlScalar, readPlainScalar } from './kubectl-scalar.ts';

const prefix = 'tag:yaml.org,2002:';
const date =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads a scalar with a tag as `kubectl` does, or returns the reason why its text doesn't fit the tag. A tag that it doesn't know means a string. */
export function readTaggedScalar(text: string, tag: string): KubectlScalar | { message: string } {
  const name = tag.startsWith(prefix) ? tag.slice(prefix.length) : '';
  const asString: KubectlScalar = { kind: 'string', value: text };
  const misfit = { message: `${JSON.stringify(text)} is not a value for the tag !!${name}` };
  const read = readPlainScalar(text);
  switch (name) {
    case 'binary': {
      const encoded = text.replace(/[\r\n]/g, '');
      if (!base64.test(encoded)) return misfit;
      return { kind: 'string', value: Buffer.from(encoded, 'base64').toString('utf8') };
    }
    case 'timestamp':
      return isTimestamp(text) ? asString : misfit;
    case 'int':
    case 'bool':
    case 'null':
      return read.kind === name ? read : misfit;
    case 'float':
      if (read.kind === 'int') return { kind: 'float', value: Number(read.value) };
      return read.kind === 'float' || read.kind === 'infinite' ? read : misfit;
    default:
      return asString;
  }
}

function isTimestamp(text: string): boolean {
  const [, year, month, day] = date.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const read = new Date(Date.UTC(year, month - 1, day));
  return read.getUTCMonth() === month - 1 && read.getUTCDate() === day;
}
