import type { ComponentChildren } from 'preact';
import type { Problem } from '../data/problem.ts';
import { shown } from '../format/shown.ts';
import { CodeText } from './code-text.tsx';
import { Command } from './command.tsx';
import { Icon } from './icon.tsx';

/** What failed, and what to do next. */
export function Failure({ what, problem, retry }: { what: string; problem: Problem; retry?: () => void }) {
  const { title, detail, advice } = problem;
  return (
    <div class="notice bad" role="alert">
      <Icon name="warning" />
      <div>
        <h2>
          {title}: no {what}
        </h2>
        <p>{shown(detail)}</p>
        <p>
          <CodeText text={advice} />
        </p>
        {retry && (
          <button type="button" class="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

/** Nothing is there, and what to do next. */
export function Empty({ title, children, command }: { title: string; children?: ComponentChildren; command?: string }) {
  return (
    <div class="notice">
      <Icon name="info" />
      <div>
        <h2>{title}</h2>
        {children && <p class="muted">{children}</p>}
        {command && <Command text={command} />}
      </div>
    </div>
  );
}

/** Something is being loaded. */
export function Loading({ what, lines = 3 }: { what: string; lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading {what}</span>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} class="skeleton" style={{ width: `${90 - ((index * 23) % 50)}%` }} />
      ))}
    </div>
  );
}
