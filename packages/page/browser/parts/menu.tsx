import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface MenuProps {
  /** Content of the button that opens it. */
  label: ComponentChildren;
  isWide?: boolean;
  /** Content, which gets what closes the menu. */
  children: (close: () => void) => ComponentChildren;
}

/** Menu below a button. The Escape key closes it, and a click elsewhere. */
export function Menu({ label, isWide = false, children }: MenuProps) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = () => menu.current?.removeAttribute('open');
  useEffect(() => {
    const onClick = ({ target }: MouseEvent) => {
      if (target instanceof Node && !menu.current?.contains(target)) close();
    };
    document.addEventListener('click', onClick);
    return () => document.removeEventListener('click', onClick);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    close();
    menu.current?.querySelector('summary')?.focus();
  };
  return (
    <details class="menu" ref={menu} onKeyDown={onKeyDown}>
      <summary class="button">{label}</summary>
      <div class={isWide ? 'wide' : ''}>{children(close)}</div>
    </details>
  );
}
