import type { ListPassesResponse, Pass, PassStep } from '@kplug/protocol/services';
import { now } from '../data/connection.ts';
import type { Loaded } from '../data/use-loaded.ts';
import { resultOf, stepWord } from '../format/pass.ts';
import { shown } from '../format/shown.ts';
import { durationOf, formatAge, formatDuration, formatExact, millisecondsOf } from '../format/time.ts';
import { Icon } from '../parts/icon.tsx';
import { Failure, Loading } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';

/** Passes that are listed. */
const maxPasses = 30;

/** Latest passes of a resource, with their steps. */
export function Passes({ loaded }: { loaded: Loaded<ListPassesResponse> }) {
  const { value, problem, retry } = loaded;
  const passes = value?.passes ?? [];
  return (
    <Panel title="Passes" end={passes.length > 0 ? 'newest first' : ''}>
      {problem && !value && <Failure what="passes" problem={problem} retry={retry} />}
      {!problem && !value && <Loading what="the passes" />}
      {value && passes.length === 0 && <p class="muted">No pass since the operator started.</p>}
      <ol class="passes">
        {passes.slice(0, maxPasses).map((pass) => (
          <PassRow key={`${pass.startedAt?.seconds}.${pass.startedAt?.nanos}`} pass={pass} />
        ))}
      </ol>
    </Panel>
  );
}

function PassRow({ pass }: { pass: Pass }) {
  const { startedAt, took, waited, plugins, reason, message, attempt, steps, traceId } = pass;
  const { word, icon } = resultOf(pass);
  const at = millisecondsOf(startedAt) ?? 0;
  const total = durationOf(took) ?? 0;
  return (
    <li>
      <details>
        <summary>
          <span class={`state state-${icon}`}>
            <Icon name={icon} />
            {word}
          </span>
          <span class="age number" title={formatExact(at)}>
            {formatAge(at, now.value).replace(' ago', '')}
          </span>
          <span class="number">{formatDuration(total)}</span>
          <Waterfall steps={steps} total={total} />
        </summary>
        <div class="pass">
          <p class="wrap">
            {shown(reason, 80)}
            {message ? `: ${shown(message)}` : ''}
          </p>
          <p class="muted">
            {plugins.length > 0 ? shown(plugins.join(', '), 200) : 'No plugin'}, waited{' '}
            {formatDuration(durationOf(waited) ?? 0)}
            {attempt > 1 ? `, attempt ${attempt}` : ''}
          </p>
          <table class="data-table">
            <thead>
              <tr>
                <th scope="col">Step</th>
                <th scope="col" class="right">
                  After
                </th>
                <th scope="col" class="right">
                  Took
                </th>
              </tr>
            </thead>
            <tbody>
              {steps.map((step, index) => (
                <Step key={`${index}`} step={step} />
              ))}
            </tbody>
          </table>
          {traceId && (
            <p class="muted wrap">
              Trace <code>{shown(traceId, 40)}</code>
            </p>
          )}
        </div>
      </details>
    </li>
  );
}

function Step({ step }: { step: PassStep }) {
  const { kind, target, offset, took, error } = step;
  return (
    <tr>
      <td class="wrap">
        {stepWord(kind)} <span class="muted">{shown(target, 200)}</span>
        {error && (
          <span class="state-failing">
            <br />
            <Icon name="failing" /> {shown(error)}
          </span>
        )}
      </td>
      <td class="right">{formatDuration(durationOf(offset) ?? 0)}</td>
      <td class="right">{formatDuration(durationOf(took) ?? 0)}</td>
    </tr>
  );
}

/** Steps of a pass over its time. The table has the same as text. */
function Waterfall({ steps, total }: { steps: readonly PassStep[]; total: number }) {
  const percent = (milliseconds: number) => `${Math.min(100, (100 * milliseconds) / Math.max(total, 0.001))}%`;
  return (
    <span class="waterfall" aria-hidden="true">
      {steps.map(({ kind, offset, took, error }, index) => (
        <span
          key={`${index}`}
          class={error ? 'step-failed' : `step-${stepWord(kind)}`}
          style={{ left: percent(durationOf(offset) ?? 0), width: percent(durationOf(took) ?? 0) }}
        />
      ))}
    </span>
  );
}
