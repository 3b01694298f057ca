export function ResourceScreen(_: { resourceKey: string }) {
  return <p>soon</p>;
}
