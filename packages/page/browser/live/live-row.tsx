import { now } from '../data/connection.ts';
import { countOf } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { formatClock, formatExact, millisecondsOf } from '../format/time.ts';
import { Icon } from '../parts/icon.tsx';
import { describeActivity } from './describe-activity.ts';
import type { FeedRow } from './feed.ts';

interface LiveRowProps {
  row: FeedRow;
  /** Place and height in the list, in pixels. */
  top: number;
  height: number;
  /** Number of the row from 1, and number of all. */
  position: number;
  size: number;
}

/** Row of the feed. */
export function LiveRow({ row, top, height, position, size }: LiveRowProps) {
  const style = { transform: `translateY(${top}px)`, height: `${height}px` };
  if (row.kind === 'gap') {
    return (
      <li class="gap muted" style={style} aria-posinset={position} aria-setsize={size}>
        {countOf(row.leftOut, 'activity', 'activities')} left out: too many at once
      </li>
    );
  }
  const { icon, word, subject, link, text, isBad } = describeActivity(row.activity);
  const at = millisecondsOf(row.activity.at) ?? 0;
  const [kind = '', path = ''] = shown(subject, 160).split(' ', 2);
  const content = (
    <>
      <span class="subject-kind">{kind}</span> {path}
    </>
  );
  const whole = shown(text, 400);
  return (
    <li style={style} aria-posinset={position} aria-setsize={size}>
      <time class="muted number" title={formatExact(at)} dateTime={new Date(at).toISOString()}>
        {formatClock(at, now.value)}
      </time>
      <span class={`state state-${isBad ? 'failing' : icon}`}>
        <Icon name={icon} />
        {word}
      </span>
      {link ? <a href={link}>{content}</a> : <span>{content}</span>}
      <span class="muted what" title={whole}>
        {whole}
      </span>
    </li>
  );
}
