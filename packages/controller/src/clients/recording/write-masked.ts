import { printableJson } from '@kplug/protocol';
import { limits } from '../../limits/limits.ts';
import { cutText } from '../../resources/cut-text.ts';
import { isSecretManifest, mask, maskText } from './mask-text.ts';
import { saysReference, saysSecret } from './secret-names.ts';

const { maxText, maxExaminedText, maxValueText, maxDepth, maxFields, maxNameLength } = limits.recording;

/** Value as JSON for people, without secrets. */
export interface WrittenJson {
  text: string;
  /** Number of values that are masked. */
  masked: number;
  /** True if the text is not all of the value. */
  truncated: boolean;
}

/**
 * Writes a value as JSON with indentation and sorted keys, and masks the secrets in it: values of Secrets, values of fields whose names say so,
 * and what `maskText` finds. The keys of a `Map` are no names of fields. Takes a limited time for any value, and never keeps an unmasked text.
 */
export function writeMasked(value: unknown): WrittenJson {
  const writer = new MaskedWriter();
  writer.write(value, { depth: 0, secrecy: 'found' });
  return writer.end();
}

/**
 * What is secret at a place: nothing that isn't found, what has no name of a reference (below a field whose name says secret), or everything
 * (the data of a Secret).
 */
type Secrecy = 'found' | 'unreferenced' | 'all';

/** Place of a value. */
interface Place {
  depth: number;
  secrecy: Secrecy;
}

class MaskedWriter {
  readonly #parts: string[] = [];
  #size = 0;
  #examined = 0;
  #masked = 0;
  #isCut = false;

  end(): WrittenJson {
    const text = this.#parts.join('');
    return {
      text: cutText(printableJson(text), maxText),
      masked: this.#masked,
      truncated: this.#isCut || text.length > maxText,
    };
  }

  write(value: unknown, place: Place): void {
    if (this.#isFull()) return;
    if (typeof value === 'object' && value !== null) this.#writeParts(value, place);
    else this.#put(this.#scalar(value, place));
  }

  /** Returns a scalar as JSON. What JSON doesn't have becomes `null`. */
  #scalar(value: unknown, place: Place): string {
    if (typeof value === 'string') return JSON.stringify(this.#show(value, place));
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'number' && typeof value !== 'bigint') return 'null';
    return place.secrecy === 'found' ? String(value) : this.#hide();
  }

  #writeParts(value: object, place: Place): void {
    if (place.depth >= maxDepth) this.#leaveOut();
    else if (Array.isArray(value)) this.#writeList(value, place);
    else this.#writeFields(value, place);
  }

  #writeList(items: readonly unknown[], place: Place): void {
    const inner = { ...place, depth: place.depth + 1 };
    let isNextSecret = false;
    this.#writeAll(['[', ']'], inner.depth, items, (item) => {
      this.write(item, isNextSecret ? { ...inner, secrecy: 'all' } : inner);
      // The value of an option of a command may be the next argument.
      isNextSecret = typeof item === 'string' && /^--?[^\s=]+$/.test(item.slice(0, 100)) && saysSecret(item);
    });
  }

  #writeFields(value: object, place: Place): void {
    const isMap = value instanceof Map;
    const entries = isMap ? [...value] : Object.entries(value).filter(([, inner]) => inner !== undefined);
    if (entries.length > maxFields) this.#isCut = true;
    const kept = entries.slice(0, maxFields).sort(([a], [b]) => (a < b ? -1 : 1));
    const judge = isMap ? () => place.secrecy : judgeOf(value as Record<string, unknown>, place.secrecy);
    const depth = place.depth + 1;
    this.#writeAll(['{', '}'], depth, kept, ([name, inner]) => {
      this.#put(`${JSON.stringify(cutText(String(name), maxNameLength))}: `);
      this.write(inner, { depth, secrecy: judge(String(name)) });
    });
  }

  #writeAll<T>(
    [open, close]: readonly [string, string],
    depth: number,
    items: readonly T[],
    write: (item: T) => void,
  ): void {
    this.#put(open);
    for (const [index, item] of items.entries()) {
      if (this.#isFull()) return;
      this.#put(`${index === 0 ? '' : ','}\n${'  '.repeat(depth)}`);
      write(item);
    }
    this.#put(items.length === 0 ? close : `\n${'  '.repeat(depth - 1)}${close}`);
  }

  #show(text: string, { secrecy, depth }: Place): string {
    if (secrecy !== 'found') return text === '' ? '' : this.#hideText();
    const nested = this.#showJson(text, depth);
    if (nested !== undefined) return nested;
    if (isSecretManifest(text)) return this.#hideText();
    const examined = text.length > maxValueText ? this.#cut(text) : text;
    this.#examined += examined.length;
    const shown = maskText(examined);
    this.#masked += shown.masked;
    return shown.text;
  }

  /** Shows a text that is JSON, such as that of the last applied configuration; `undefined` for another one. */
  #showJson(text: string, depth: number): string | undefined {
    if (!/^\s{0,8}[[{]/.test(text.slice(0, 16)) || text.length > maxValueText) return undefined;
    const value = parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    this.#examined += text.length;
    const writer = new MaskedWriter();
    writer.write(value, { depth, secrecy: 'found' });
    const { text: shown, masked, truncated } = writer.end();
    this.#masked += masked;
    if (truncated) this.#isCut = true;
    return shown.replace(/\n */g, '');
  }

  /** Cuts a text so that no part of a secret without its end stays: after the last blank of a limited part. */
  #cut(text: string): string {
    this.#isCut = true;
    const start = text.slice(0, maxValueText);
    let end = start.length;
    while (end > 0 && !/\s/.test(start[end - 1] ?? '')) end--;
    return `${start.slice(0, end)}…`;
  }

  #hideText(): string {
    this.#masked++;
    return mask;
  }

  #hide(): string {
    return JSON.stringify(this.#hideText());
  }

  #leaveOut(): void {
    this.#isCut = true;
    this.#put('"…"');
  }

  #put(text: string): void {
    this.#parts.push(text);
    this.#size += text.length;
  }

  #isFull(): boolean {
    if (this.#size <= maxText && this.#examined <= maxExaminedText) return false;
    this.#isCut = true;
    return true;
  }
}

/** Fields of a Secret whose values are not secret. */
const fieldsOfSecrets: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'type', 'immutable']);

/** Fields with the name of a value that is beside it, and those with the value: `{ name: 'DB_PASSWORD', value: 'x' }`. */
const namingFields = ['name', 'key', 'field', 'header', 'type', 'id', 'label'];
const namedFields: ReadonlySet<string> = new Set([
  'value',
  'values',
  'default',
  'data',
  'content',
  'stringValue',
  'val',
]);

/** Returns a function that judges the fields of an object. */
function judgeOf(value: Record<string, unknown>, secrecy: Secrecy): (name: string) => Secrecy {
  if (secrecy === 'all') return () => 'all';
  if (isSecretKind(value.kind)) return (name) => (fieldsOfSecrets.has(name) ? secrecy : 'all');
  const namesSecret = namingFields.some((field) => {
    const name = value[field];
    return typeof name === 'string' && saysSecret(name);
  });
  return (name) => {
    if (namesSecret && namedFields.has(name.toLowerCase())) return 'all';
    if (secrecy === 'unreferenced') return saysReference(name) ? 'found' : secrecy;
    return saysSecret(name) ? 'unreferenced' : 'found';
  };
}

function isSecretKind(kind: unknown): boolean {
  return typeof kind === 'string' && kind.length < 64 && /^\s*secret(list)?\s*$/i.test(kind);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
