export function PluginScreen(_: { plugin: string }) {
  return <p>soon</p>;
}
