import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** A part of a screen, with a heading. */
export function Panel({
  title,
  end,
  children,
}: {
  title: ComponentChildren;
  end?: ComponentChildren;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {end && <div class="end muted">{end}</div>}
      </header>
      <div class="body">{children}</div>
    </section>
  );
}
