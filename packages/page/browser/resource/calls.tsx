import type { ListCallsResponse, ObservedCall } from '@kplug/protocol/services';
import { printableLines } from '@kplug/protocol/services';
import { useMemo, useState } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { countOf } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { durationOf, formatDuration } from '../format/time.ts';
import { Age } from '../parts/age.tsx';
import { Command } from '../parts/command.tsx';
import { Failure, Loading } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';
import { compareLines, type DiffLine } from './line-diff.ts';

/** Interval at which the calls are loaded again, in milliseconds. */
const interval = 5_000;

/** The last call for a resource, compared with the one before. */
export function Calls({ resourceKey }: { resourceKey: string }) {
  const load = (signal: AbortSignal) => clients.activity.listCalls({ key: resourceKey }, { signal });
  const { value, problem, retry } = useLoaded(`calls ${resourceKey}`, load, interval);
  return (
    <Panel
      title="Last call"
      end={value && value.calls.length > 0 ? `${countOf(value.calls.length, 'call')} recorded` : ''}
    >
      {problem && !value && <Failure what="calls" problem={problem} retry={retry} />}
      {!problem && !value && <Loading what="the calls" />}
      {value && <Recorded value={value} />}
    </Panel>
  );
}

function Recorded({ value }: { value: ListCallsResponse }) {
  const [call, before] = value.calls;
  if (call) return <Call call={call} before={before} />;
  if (value.recording)
    return (
      <p class="muted">No call for this resource was recorded yet. The next pass with a changed input makes one.</p>
    );
  return (
    <>
      <p class="muted">
        Calls aren’t recorded. To see requests and answers here, start the operator with this flag, or set{' '}
        <code>admin.recordCalls</code> in the values of its chart. Values of Secrets are masked.
      </p>
      <Command text="--record-calls" />
    </>
  );
}

const texts = ['request', 'answer'] as const;

function Call({ call, before }: { call: ObservedCall; before: ObservedCall | undefined }) {
  const [text, setText] = useState<(typeof texts)[number]>('request');
  const [isDiff, setDiff] = useState(true);
  const { plugin, version, instanceId, method, at, took, code, error, masked, truncated } = call;
  return (
    <>
      <p class="wrap">
        <strong>{shown(method, 80)}</strong> of {shown(`${plugin} ${version}`, 120)}{' '}
        <span class="muted">({shown(instanceId, 80)})</span>:{' '}
        <span class={code === 'OK' ? 'state-ready' : 'state-failing'}>{shown(code, 40)}</span> after{' '}
        {formatDuration(durationOf(took) ?? 0)}{' '}
        <span class="muted">
          <Age time={at} />
        </span>
      </p>
      {error && <p class="state-failing wrap">{shown(error)}</p>}
      <p class="muted">
        {masked > 0 ? `${countOf(masked, 'value')} masked. ` : ''}
        {truncated ? 'The text is cut, as it is too large.' : ''}
      </p>
      <div class="switches">
        {texts.map((one) => (
          <button key={one} type="button" class="button" aria-pressed={text === one} onClick={() => setText(one)}>
            {one}
          </button>
        ))}
        {before && (
          <button type="button" class="button" aria-pressed={isDiff} onClick={() => setDiff(!isDiff)}>
            changes since the call before
          </button>
        )}
      </div>
      <Text text={call[text]} before={isDiff ? before?.[text] : undefined} />
    </>
  );
}

const signs: Readonly<Record<DiffLine['kind'], string>> = { same: ' ', added: '+', removed: '-', skipped: '…' };

function Text({ text, before }: { text: string; before: string | undefined }) {
  const lines = useMemo(() => (before === undefined ? undefined : compareLines(before, text)), [before, text]);
  const label = before === undefined ? 'Text' : 'Changes';
  if (!text && !before) return <p class="muted">The call failed, so there is no answer.</p>;
  return (
    <>
      {before !== undefined && !lines && (
        <p class="muted">It differs in too much from the call before; this is all of it.</p>
      )}
      {lines?.every(({ kind }) => kind === 'skipped') && <p class="muted">Equal to the call before.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section class="text" tabIndex={0} aria-label={label}>
        <pre>
          {lines
            ? lines.map(({ kind, text: line }, index) => (
                <span key={`${index}`} class={`line ${kind}`}>
                  {signs[kind]} {printableLines(line)}
                  {'\n'}
                </span>
              ))
            : printableLines(text)}
        </pre>
      </section>
    </>
  );
}
