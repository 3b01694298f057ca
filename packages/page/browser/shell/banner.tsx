import { browserNow, connection } from '../data/connection.ts';
import { formatClock, formatSpan } from '../format/time.ts';

/** Says when the connection is lost, and from when what is shown is. */
export function Banner() {
  const { value } = connection;
  if (value.state !== 'lost') return null;
  const { lostAt, retryAt, problem } = value;
  return (
    <div class="banner" role="status">
      <strong>Connection lost at {formatClock(lostAt, browserNow.value)}</strong>; what you see is from then.{' '}
      {problem.title}. Retrying in {formatSpan(retryAt - browserNow.value)}.
    </div>
  );
}
