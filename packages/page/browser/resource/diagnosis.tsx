import type { Diagnosis } from '@kplug/protocol/services';
import { shown } from '../format/shown.ts';
import { wordOf } from '../format/state.ts';
import { Age } from '../parts/age.tsx';
import { Icon } from '../parts/icon.tsx';
import { resourceLink } from '../routing/route.ts';

/** Why the resource is in its state, and what to do next. */
export function DiagnosisPanel({ diagnosis }: { diagnosis: Diagnosis }) {
  const { state, reason, summary, details, advice, causeName, causeKey, since, stale } = diagnosis;
  const word = wordOf(state);
  const link = resourceLink(causeKey);
  return (
    <section class={`diagnosis diagnosis-${word}`} aria-labelledby="diagnosis">
      <span class={`state-${word}`}>
        <Icon name={word} />
      </span>
      <div>
        <p class={`word state-${word}`}>
          {word === 'unknown' ? 'State unknown' : word}
          {since && (
            <span class="muted">
              , <Age time={since} />
            </span>
          )}
          {reason && <span class="muted">, {shown(reason, 80)}</span>}
        </p>
        <h2 id="diagnosis">{shown(summary || reason)}</h2>
        {details.length > 0 && (
          <ul class="details">
            {details.map((detail) => (
              <li key={detail}>{shown(detail)}</li>
            ))}
          </ul>
        )}
        {causeName && (
          <p class="muted">
            Caused by {link ? <a href={link}>{shown(causeName)}</a> : <span>{shown(causeName)}</span>}
          </p>
        )}
        {advice && (
          <p class="advice">
            <strong>Next:</strong> {shown(advice)}
          </p>
        )}
        {stale.length > 0 && (
          <div class="out-of-date">
            <h3>May be out of date</h3>
            <ul>
              {stale.map((sentence) => (
                <li key={sentence}>{shown(sentence)}</li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </section>
  );
}
