// Ramer–Douglas–Peucker line simplification (Douglas & Peucker 1973).
#pragma once

#include <cstddef>

namespace sketchrnn {

// What the distance of a point is taken to: the segment that would replace it, or the whole line
// through that segment's ends, as QuickDraw's own simplification does.
enum class Chord { kSegment, kLine };

// Marks in keep[0..n) the points of a polyline (x, y pairs) that stay when no dropped point lies
// further than epsilon from the chord that replaces it. Both ends stay.
void simplify(const double* xy, std::size_t n, double epsilon, Chord chord, bool* keep);

}  // namespace sketchrnn
