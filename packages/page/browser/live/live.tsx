export function Live() {
  return <p>soon</p>;
}
