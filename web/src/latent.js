// The way between two latent vectors (White 2016, arXiv 1609.04468): at an even angle, as in the paper.

/** The vector at `t` (0: a, 1: b) of the way from `a` to `b`, Float32Arrays of one length. */
export function between(a, b, t) {
  if (t === 0 || t === 1) return (t === 0 ? a : b).slice();
  const dot = (p, q) => p.reduce((sum, x, i) => sum + x * q[i], 0);
  const norms = Math.sqrt(dot(a, a) * dot(b, b));
  const angle = norms > 0 ? Math.acos(Math.min(1, Math.max(-1, dot(a, b) / norms))) : 0;
  const sine = Math.sin(angle);
  // Where one is 0, or they point the same way or against each other, there is no one arc.
  const [p, q] =
    sine > 1e-6 ? [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine] : [1 - t, t];
  return a.map((x, i) => p * x + q * b[i]);
}
