/** Versions of the control plane. The modules in `go/` have the same versions. */
export const kubernetesVersion = '1.36.3';
export const etcdVersion = '3.6.8';
