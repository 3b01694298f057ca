import { Range } from 'semver';
import { KplugError, messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { PluginName } from '../names.ts';

const { maxPatternLength: maxLength } = limits.selection;

/** A plugin by name, in any version or in a range of versions. */
export interface PluginPattern {
  /** The pattern as the user wrote it. */
  text: string;
  name: PluginName;
  /** Accepted versions; `undefined` for any. */
  range: Range | undefined;
}

/**
 * Reads `Name` or `Name@range`, such as `PostgreSQL@^1.2`, with ranges in npm's syntax.
 * Throws `InvalidConfiguration`.
 */
export function parsePattern(text: string): PluginPattern {
  checkLength(text);
  const at = text.indexOf('@');
  const name = (at < 0 ? text : text.slice(0, at)).trim();
  if (!name) throw new KplugError('InvalidConfiguration', `"${text}" names no plugin; write Name or Name@range`);
  return { text, name: new PluginName(name), range: at < 0 ? undefined : parseRange(text.slice(at + 1), text) };
}

/** Reads a range of versions. Throws `InvalidConfiguration`. */
export function parseRange(range: string, context: string = range): Range {
  checkLength(context);
  try {
    // `*` includes prereleases such as 1.0.0-alpha.1, which npm excludes.
    return new Range(range, { includePrerelease: range.trim() === '*' });
  } catch (cause) {
    throw new KplugError(
      'InvalidConfiguration',
      `"${context}" has a malformed version range (${messageOf(cause)}); write one such as ^1.2 or >=1.0.0 <3`,
      { cause },
    );
  }
}

/** Checks the length of a text: the time to parse a range grows with its square. */
function checkLength(text: string): void {
  if (text.length <= maxLength) return;
  const message = `"${text.slice(0, 20).toWellFormed()}…" has ${text.length.toLocaleString('en')} characters; a plugin and its range may have ${maxLength}`;
  throw new KplugError('InvalidConfiguration', message);
}
