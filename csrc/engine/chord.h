// How far a point lies from the chord that would replace a stretch of a polyline.
#pragma once

#include <algorithm>
#include <cmath>

namespace sketchrnn {

// What the distance of a point is taken to: the segment that would replace it, or the whole line
// through that segment's ends, as QuickDraw's own simplification does.
enum class Chord { kSegment, kLine };

// A chord whose square is less is taken for a point: so near to the end of float64 its square has
// few bits, and the place on it that lies opposite a point would be anywhere.
constexpr double kShortest2 = 1e-280;

// What rounding can make of a distance: distance() is some thirty roundings of numbers up to a few
// times the largest coordinate. Whoever stands no further off the chord stands on it.
constexpr double rounding_of(double largest) { return 256.0 * 0x1p-53 * largest; }

inline double distance(const double* p, const double* a, const double* b, Chord chord) {
  const double dx = b[0] - a[0];
  const double dy = b[1] - a[1];
  const double length2 = dx * dx + dy * dy;
  double t = 0.0;
  if (length2 > kShortest2) t = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2;
  if (chord == Chord::kSegment) t = std::clamp(t, 0.0, 1.0);
  return std::hypot(p[0] - (a[0] + t * dx), p[1] - (a[1] + t * dy));
}

}  // namespace sketchrnn
