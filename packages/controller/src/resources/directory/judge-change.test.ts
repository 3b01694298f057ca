import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChangedContent, type FileChange, judgeChange, type SettleTimes } from './judge-change.ts';

const times: SettleTimes = {
  changed: 50,
  vanished: 1_000,
  rewritten: 2_000,
  hiddenRewritten: 5_000,
  maxChanging: 10_000,
};

const complete: ChangedContent = { isBroken: false, isEmpty: false, end: 'complete', hasShorterEnd: false };

const settled: FileChange = {
  kind: 'rewritten',
  unchangedFor: 60_000,
  changingFor: 60_000,
  isBeingWritten: false,
  areWritersVisible: true,
  content: complete,
  lost: [],
};

const unmounted = { reason: 'The folder was unmounted.', remedy: 'mount it' };
const gone = { kind: 'gone' as const, content: undefined, lost: ['Table a'] };

/** Returns a change that happened some time ago. */
function ago(time: number, change: Partial<FileChange>): FileChange {
  return { ...settled, unchangedFor: time, changingFor: time, ...change };
}

const empty = { content: { ...complete, isEmpty: true }, lost: ['Table a'] };
const separator = { content: { ...complete, end: 'separator' as const }, lost: ['Table a'] };
const cut = { content: { ...complete, end: 'open line' as const } };
const shorter = { content: { ...complete, hasShorterEnd: true } };
const broken = { content: { ...complete, isBroken: true }, lost: ['Table a'] };
const lost = { lost: ['Table a'] };
const hidden = { areWritersVisible: false };

describe('judgeChange', () => {
  it.each<[title: string, change: FileChange, verdict: string, delay?: number]>([
    ['a file that has just changed', ago(20, {}), 'wait', 30],
    ['a changed file', ago(50, {}), 'accept'],
    ['a changed file that could not be read', ago(50, { content: undefined }), 'wait', 50],
    ['a file that is being written', ago(9_000, { isBeingWritten: true }), 'wait', 250],
    ['a file that can no longer be parsed, whose resources are kept', ago(50, broken), 'accept'],
    ['a removed file', ago(400, gone), 'wait', 600],
    ['a file that stays away', ago(1_000, gone), 'accept'],
    ['a file below an unmounted folder', ago(0, { ...gone, doubt: unmounted }), 'keep'],
    ['such a file whose resources others define', ago(1_000, { ...gone, lost: [], doubt: unmounted }), 'accept'],
    ['an overwritten file with fewer resources', ago(500, lost), 'wait', 1_500],
    ['an overwritten file with fewer resources that stays so', ago(2_000, lost), 'accept'],
    ['the same, with a hidden writer', ago(2_000, { ...lost, ...hidden }), 'wait', 3_000],
    ['the same, with a hidden writer, that stays so', ago(5_000, { ...lost, ...hidden }), 'accept'],
    ['a renamed file with fewer resources', ago(500, { ...lost, kind: 'replaced' }), 'wait', 500],
    [
      'a renamed file with fewer resources that stays so',
      ago(1_000, { ...lost, kind: 'replaced', ...hidden }),
      'accept',
    ],
    ['a file that is empty for a moment', ago(500, empty), 'wait', 1_500],
    ['a file that stays empty', ago(2_000, empty), 'keep'],
    ['a renamed empty file', ago(1_000, { ...empty, kind: 'replaced' }), 'keep'],
    ['an empty file that defined nothing', ago(50, { ...empty, lost: [] }), 'accept'],
    ['a file that stops after a separator', ago(60_000, separator), 'keep'],
    ['the same, with all resources', ago(50, { ...separator, lost: [] }), 'accept'],
    ['the same, renamed into place', ago(1_000, { ...separator, kind: 'replaced' }), 'accept'],
    ['a file without a final line break', ago(50, cut), 'accept'],
    ['the same, with a hidden writer', ago(50, { ...cut, ...hidden }), 'wait', 4_950],
    ['the same, renamed into place', ago(50, { ...cut, ...hidden, kind: 'replaced' }), 'accept'],
    ['a file whose last resource has fewer fields', ago(50, shorter), 'accept'],
    ['the same, with a hidden writer', ago(50, { ...shorter, ...hidden }), 'wait', 4_950],
  ])('judges %s', (_, change, verdict, delay) => {
    expect(judgeChange(change, times)).toMatchObject({ verdict, ...(delay !== undefined && { delay }) });
  });

  it('names some of the resources that are kept, and the remedy', () => {
    const change = ago(2_000, { ...empty, lost: ['A', 'B', 'C', 'D', 'E'] });
    expect(judgeChange(change, times)).toEqual({
      verdict: 'keep',
      problem:
        'The file no longer has any resource. The resources that it defined are kept: A, B, C and 2 more; ' +
        'restore the content, or delete the file to delete them.',
    });
  });

  it('reports a file that is open for writing, or keeps changing, for long', () => {
    const changing = { changingFor: 10_000 };
    expect(judgeChange(ago(20, changing), times)).toMatchObject({
      verdict: 'wait',
      problem: 'The file keeps changing. Its previous content applies until it has been unchanged for 50 ms.',
    });
    expect(judgeChange(ago(9_999, { isBeingWritten: true, ...changing }), times)).toMatchObject({
      verdict: 'wait',
      problem: expect.stringContaining('open for writing'),
    });
    expect(judgeChange(ago(20, { changingFor: 9_999 }), times)).not.toHaveProperty('problem');
  });

  const content = fc.record<ChangedContent>({
    isBroken: fc.boolean(),
    isEmpty: fc.boolean(),
    end: fc.constantFrom('complete', 'open line', 'separator'),
    hasShorterEnd: fc.boolean(),
  });

  const anyChange = fc.record<FileChange>({
    kind: fc.constantFrom('gone', 'replaced', 'rewritten'),
    unchangedFor: fc.nat(20_000),
    changingFor: fc.nat(20_000),
    isBeingWritten: fc.boolean(),
    areWritersVisible: fc.boolean(),
    doubt: fc.option(fc.constant(unmounted), { nil: undefined }),
    content: fc.option(content, { nil: undefined }),
    lost: fc.array(fc.constantFrom('A', 'B'), { maxLength: 2 }),
  });

  /** Reports whether a change proves that its lost resources were removed, independently of the implementation. */
  function isProof({ kind, doubt, content: found, ...change }: FileChange): boolean {
    if (kind === 'gone') return doubt === undefined && change.unchangedFor >= times.vanished;
    if (!found || found.isEmpty || change.isBeingWritten) return false;
    if (kind === 'replaced') return change.unchangedFor >= times.vanished;
    const time = change.areWritersVisible ? times.rewritten : times.hiddenRewritten;
    return found.end !== 'separator' && change.unchangedFor >= time;
  }

  it('accepts the loss of resources only with a proof', () => {
    fc.assert(
      fc.property(anyChange, (change) => {
        const { verdict } = judgeChange(change, times);
        // A broken file keeps what it had.
        const isLoss = change.lost.length > 0 && (change.kind === 'gone' || !change.content?.isBroken);
        if (isLoss && verdict === 'accept') expect(isProof(change)).toBe(true);
        if (isLoss && isProof(change)) expect(verdict).toBe('accept');
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives a delay after which the verdict of an unchanged file may change, and never goes back to waiting', () => {
    fc.assert(
      fc.property(anyChange, fc.nat(20_000), (change, later) => {
        const before = judgeChange(change, times);
        const after = judgeChange({ ...change, unchangedFor: change.unchangedFor + later }, times);
        if (before.verdict === 'wait') expect(before.delay).toBeGreaterThan(0);
        else expect(after.verdict).toBe(before.verdict);
        if (before.verdict === 'keep') expect(change.lost).not.toEqual([]);
      }),
      { numRuns: 5_000 },
    );
  });
});
