import { intro, log, note, outro, spinner } from '@clack/prompts';
import Table from 'cli-table3';
import pc from 'picocolors';

/** Output of the demo: to a terminal, or in plain lines to a file or pipe. */
export interface Narrator {
  begin(title: string): void;
  /** Begins a chapter. */
  chapter(title: string): void;
  /** Prints a line of text. */
  say(text: string): void;
  /** Prints a block of text under a title. */
  show(title: string, text: string): void;
  /** Prints commands under a title. They may be longer than a line of the terminal. */
  suggest(title: string, commands: readonly string[]): void;
  /** Shows progress while some work runs. */
  during<T>(text: string, work: () => Promise<T>): Promise<T>;
  end(text: string): void;
  fail(text: string): void;
}

/** Widest table that fits into a frame on a terminal of 80 columns. */
const maxTableWidth = 74;

/** Formats a table without borders. A last column that is too wide is wrapped. */
export function table(head: string[], rows: (string | number)[][]): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
  };
  const chars = {
    ...none,
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
  };
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };
  const gap = style['padding-right'];
  const widths = head.map(
    (title, column) => Math.max(title.length, ...rows.map((row) => String(row[column]).length)) + gap,
  );
  const lastWidth = maxTableWidth + gap - widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
  const isWide = (widths.at(-1) ?? 0) > lastWidth;
  const drawn = new Table({
    head: head.map((title) => pc.dim(title)),
    chars: { ...chars, middle: '' },
    style,
    ...(isWide && { colWidths: [...widths.slice(0, -1), lastWidth], wordWrap: true }),
  });
  drawn.push(...rows);
  return drawn.toString().replace(/ +$/gm, '');
}

/** Prints to a terminal, with colors and progress. */
export const terminalNarrator: Narrator = {
  begin: (title) => intro(pc.bold(title)),
  chapter: (title) => log.step(pc.bold(pc.cyan(title))),
  say: (text) => log.message(text),
  show: (title, text) => note(text, title, { format: (line) => line }),
  suggest: (title, commands) => log.message([title, ...commands.map((command) => `  ${command}`)].join('\n')),
  async during(text, work) {
    const progress = spinner();
    progress.start(text);
    const startedAt = performance.now();
    try {
      const result = await work();
      progress.stop(`${text} ${pc.dim(`(${seconds(performance.now() - startedAt)})`)}`);
      return result;
    } catch (error) {
      progress.error(text);
      throw error;
    }
  },
  end: (text) => outro(text),
  fail: (text) => log.error(text),
};

/** Prints plain lines. */
export const plainNarrator: Narrator = {
  begin: (title) => console.log(title),
  chapter: (title) => console.log(`\n== ${title}`),
  say: (text) => console.log(text),
  show: (title, text) => console.log(`-- ${title}\n${text.replace(/^(?=.)/gm, '   ')}`),
  suggest: (title, commands) => console.log([title, ...commands.map((command) => `  ${command}`)].join('\n')),
  async during(text, work) {
    const startedAt = performance.now();
    const result = await work();
    console.log(`${text} (${seconds(performance.now() - startedAt)})`);
    return result;
  },
  end: (text) => console.log(`\n${text}`),
  fail: (text) => console.error(`\nFAILED: ${text}`),
};

/** Formats a duration in milliseconds for people. */
export function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}
