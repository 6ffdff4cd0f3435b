#include "simplify.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace sketchrnn {
namespace {

double distance(const double* p, const double* a, const double* b, Chord chord) {
  const double dx = b[0] - a[0];
  const double dy = b[1] - a[1];
  const double length2 = dx * dx + dy * dy;
  double t = 0.0;
  if (length2 > 0.0) t = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2;
  if (chord == Chord::kSegment) t = std::clamp(t, 0.0, 1.0);
  return std::hypot(p[0] - (a[0] + t * dx), p[1] - (a[1] + t * dy));
}

}  // namespace

void simplify(const double* xy, std::size_t n, double epsilon, Chord chord, bool* keep) {
  if (n == 0) return;
  std::fill_n(keep, n, false);
  keep[0] = keep[n - 1] = true;
  // An explicit stack: a spiral of a million points would overflow the machine's.
  std::vector<std::pair<std::size_t, std::size_t>> open{{0, n - 1}};
  while (!open.empty()) {
    const auto [first, last] = open.back();
    open.pop_back();
    std::size_t furthest = first;
    double largest = epsilon;
    for (std::size_t i = first + 1; i < last; ++i) {
      const double d = distance(xy + 2 * i, xy + 2 * first, xy + 2 * last, chord);
      if (d > largest) {
        largest = d;
        furthest = i;
      }
    }
    if (furthest == first) continue;
    keep[furthest] = true;
    open.emplace_back(first, furthest);
    open.emplace_back(furthest, last);
  }
}

}  // namespace sketchrnn
