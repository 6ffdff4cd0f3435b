// Ramer–Douglas–Peucker line simplification (Douglas & Peucker 1973).
#pragma once

#include <cstddef>

namespace sketchrnn {

// Marks in keep[0..n) the points of a polyline (x, y pairs) that stay when no dropped point lies
// further than epsilon from the segment that replaces it. Both ends stay.
void simplify(const double* xy, std::size_t n, double epsilon, bool* keep);

}  // namespace sketchrnn
