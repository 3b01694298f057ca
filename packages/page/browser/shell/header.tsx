export function Header() {
  return (
    <header class="top">
      <a class="brand" href="#/">
        Kplug
      </a>
    </header>
  );
}
