// Polylines of any finite numbers through simplify(): both ends stay, nothing that is dropped lies
// further than epsilon from the chord that replaces it, and the tree that finds the furthest point
// finds the one that looking at all of them finds.

#include "engine/simplify.h"

#include <cmath>
#include <memory>
#include <vector>

#include "input.h"

namespace {

using sketchrnn::Chord;

// In long double, whose exponent keeps the square of every double: another arithmetic than the
// core's.
long double off_chord(const double* p, const double* a, const double* b, Chord chord) {
  const long double dx = static_cast<long double>(b[0]) - a[0];
  const long double dy = static_cast<long double>(b[1]) - a[1];
  const long double px = static_cast<long double>(p[0]) - a[0];
  const long double py = static_cast<long double>(p[1]) - a[1];
  const long double length2 = dx * dx + dy * dy;
  long double t = length2 > 0 ? (px * dx + py * dy) / length2 : 0;
  if (chord == Chord::kSegment) t = std::fmin(1.0L, std::fmax(0.0L, t));
  return std::hypot(px - t * dx, py - t * dy);
}

// Ramer–Douglas–Peucker as it is written down.
void all_looked_at(const double* xy, std::size_t first, std::size_t last, double epsilon,
                   Chord chord, std::vector<char>& keep) {
  std::size_t furthest = first;
  double largest = epsilon;
  for (std::size_t i = first + 1; i < last; ++i) {
    const double d = sketchrnn::distance(xy + 2 * i, xy + 2 * first, xy + 2 * last, chord);
    if (d > largest) {
      largest = d;
      furthest = i;
    }
  }
  if (furthest == first) return;
  keep[furthest] = 1;
  all_looked_at(xy, first, furthest, epsilon, chord, keep);
  all_looked_at(xy, furthest, last, epsilon, chord, keep);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  const Chord chord = (how & 1u) != 0 ? Chord::kLine : Chord::kSegment;
  // Bytes meet in ties and on one line; raw doubles reach overflow and what is subnormal.
  const bool raw = (how & 2u) != 0;
  double epsilon = (how & 4u) != 0 ? std::fabs(input.take<double>()) : input.byte() / 8.0;
  if (!(epsilon >= 0.0)) epsilon = 0.0;
  std::vector<double> xy;
  while (!input.empty() && xy.size() < 1024) {
    double value = raw ? input.take<double>() : static_cast<std::int8_t>(input.byte());
    if (!std::isfinite(value)) value = 0.0;
    xy.push_back(value);
  }
  if (xy.size() % 2 != 0) xy.pop_back();
  double largest = 0.0;
  for (const double value : xy) largest = std::fmax(largest, std::fabs(value));
  const std::size_t n = xy.size() / 2;
  const double least = std::fmax(epsilon, sketchrnn::rounding_of(largest));
  const std::unique_ptr<bool[]> keep(new bool[n + 1]);
  keep[n] = true;
  sketchrnn::simplify(xy.data(), n, epsilon, chord, keep.get());
  fuzz::check(keep[n], "nothing is written behind the end");
  if (n == 0) return 0;
  fuzz::check(keep[0] && keep[n - 1], "both ends stay");
  if (largest == 0.0 || (largest > 1e-90 && largest < 1e90)) {
    std::vector<char> expected(n, 0);
    expected[0] = expected[n - 1] = 1;
    all_looked_at(xy.data(), 0, n - 1, least, chord, expected);
    for (std::size_t i = 0; i < n; ++i)
      fuzz::check(keep[i] == (expected[i] != 0), "the tree finds the furthest point");
  }
  // Positions are rounded to 2^-53 of the largest, and a difference of two, projected, some times
  // as much; where the numbers are subnormal, by the smallest one.
  const long double slack = 64 * (largest * 0x1p-53L + 0x1p-1074L);
  std::size_t first = 0;
  for (std::size_t i = 1; i < n; ++i) {
    if (!keep[i]) continue;
    for (std::size_t k = first + 1; k < i; ++k)
      fuzz::check(off_chord(&xy[2 * k], &xy[2 * first], &xy[2 * i], chord) <= least + slack,
                  "a dropped point lies within epsilon");
    first = i;
  }
  return 0;
}
