const blockSize = 512;

/** Header fields of an entry, beside its type, path and size. */
interface EntryFields {
  mode?: number;
  linkpath?: string;
  device?: readonly [major: number, minor: number];
}

/** Returns an entry of a tar archive with any type and path, valid or not. */
export function entry(type: string, path: string, content: Buffer | string = '', fields: EntryFields = {}): Buffer {
  const { mode = 0o644, linkpath = '', device = [0, 0] } = fields;
  const body = Buffer.from(content);
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
  header.write(path, 0, 100, 'utf8');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(body.length, 124, 12);
  octal(0, 136, 12);
  header.fill(' ', 148, 156);
  header.write(type, 156, 1, 'latin1');
  header.write(linkpath, 157, 100, 'utf8');
  header.write('ustar\u000000', 257, 'latin1');
  octal(device[0], 329, 8);
  octal(device[1], 337, 8);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, body, Buffer.alloc((blockSize - (body.length % blockSize)) % blockSize)]);
}

/** Returns a hard link (`1`) or a symbolic link (`2`). */
export function link(type: '1' | '2', path: string, linkpath: string): Buffer {
  return entry(type, path, '', { linkpath });
}

/** Returns a PAX header for the next entry. */
export function pax(records: Record<string, string>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    // The length counts its own digits.
    let length = rest;
    while (String(length).length + rest !== length) length = String(length).length + rest;
    return `${length} ${key}=${value}\n`;
  });
  return entry('x', 'PaxHeader', lines.join(''));
}
