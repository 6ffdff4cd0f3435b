#include "engine/simplify.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/polyline_tree.h"

namespace sketchrnn {

void simplify(const double* xy, std::size_t n, double epsilon, Chord chord, bool* keep,
              const Progress& progress) {
  if (n == 0) return;
  double largest = 0.0;
  for (std::size_t i = 0; i < 2 * n; ++i) largest = std::max(largest, std::fabs(xy[i]));
  // Far from 1 squares overflow or vanish, and points would be dropped that lie anywhere. Powers of
  // two change no digit.
  if (largest >= 0x1p300 || (largest > 0.0 && largest <= 0x1p-300)) {
    const int exponent = std::ilogb(largest);
    std::vector<double> scaled(xy, xy + 2 * n);
    for (double& x : scaled) x = std::scalbn(x, -exponent);
    return simplify(scaled.data(), n, std::scalbn(epsilon, -exponent), chord, keep, progress);
  }
  // The points of a straight line, but for rounding, would otherwise be kept one after another, each
  // after a look at all the others.
  epsilon = std::max(epsilon, rounding_of(largest));
  Pulse pulse(progress);
  std::fill_n(keep, n, false);
  keep[0] = keep[n - 1] = true;
  const PolylineTree tree(xy, n, pulse);
  // An explicit stack: a spiral of a million points would overflow the machine's.
  std::vector<std::pair<std::size_t, std::size_t>> open{{0, n - 1}};
  for (std::size_t round = 0; !open.empty(); ++round) {
    if (round % 16 == 0) pulse.check();
    const auto [first, last] = open.back();
    open.pop_back();
    const std::size_t furthest = tree.furthest(first, last, epsilon, chord, pulse);
    if (furthest == first) continue;
    keep[furthest] = true;
    open.emplace_back(first, furthest);
    open.emplace_back(furthest, last);
  }
}

}  // namespace sketchrnn
