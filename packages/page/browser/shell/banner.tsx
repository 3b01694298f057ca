import { useEffect } from 'preact/hooks';
import { browserNow, connection } from '../data/connection.ts';
import { retryNow } from '../data/connection-loop.ts';
import { firstVersion, summary } from '../data/summary.ts';
import { shown } from '../format/shown.ts';
import { formatClock, formatSpan } from '../format/time.ts';
import { announce } from '../parts/announce.tsx';
import { Icon } from '../parts/icon.tsx';

/** Says what limits what is shown: the connection is lost, or the operator is not the one that works. */
export function Banner() {
  const { value } = connection;
  const { state } = value;
  useEffect(() => {
    if (state === 'lost') announce('Connection lost. What is shown is out of date.');
    if (state === 'live') announce('Connected.');
  }, [state]);
  if (!summary.value) return null;
  if (value.state === 'lost') return <Lost {...value} />;
  if (summary.value.operatorVersion !== firstVersion.value) return <Upgraded version={summary.value.operatorVersion} />;
  return summary.value.standby ? <Standby /> : null;
}

function Lost({ lostAt, retryAt, problem }: Extract<typeof connection.value, { state: 'lost' }>) {
  const left = retryAt - browserNow.value;
  return (
    <section class="banner" aria-label="Connection">
      <Icon name="warning" />
      <p class="words">
        <strong>Connection lost at {formatClock(lostAt, browserNow.value)}</strong>; what you see is from then.{' '}
        {problem.title}
        {problem.detail ? `: ${shown(problem.detail, 160)}` : ''}.{' '}
        {left > 0 ? `Retrying in ${formatSpan(left + 999)}.` : 'Retrying now.'}
      </p>
      <button type="button" class="button" onClick={retryNow}>
        Retry now
      </button>
    </section>
  );
}

function Upgraded({ version }: { version: string }) {
  return (
    <section class="banner" aria-label="Version">
      <Icon name="info" />
      <p class="words">
        <strong>The operator now has the version {shown(version, 40)}</strong>, and this page is of the one before.
      </p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Reload
      </button>
    </section>
  );
}

function Standby() {
  return (
    <section class="banner" aria-label="Leadership">
      <Icon name="waiting" />
      <p class="words">
        <strong>This operator waits for leadership.</strong> It does no passes; its resources are as the API server has
        them. Another instance of the operator works, and has the plugins, passes and calls.
      </p>
    </section>
  );
}
