export function Plugins() {
  return <p>soon</p>;
}
