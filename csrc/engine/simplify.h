// Ramer–Douglas–Peucker line simplification (Douglas & Peucker 1973), in about n log n steps.
#pragma once

#include <cstddef>

#include "engine/chord.h"
#include "progress.h"

namespace sketchrnn {

// Marks in keep[0..n) the points of a polyline (x, y pairs) that stay when no dropped point lies
// further than epsilon from the chord that replaces it. Both ends stay. Throws Cancelled when
// `progress` says so.
void simplify(const double* xy, std::size_t n, double epsilon, Chord chord, bool* keep,
              const Progress& progress = {});

}  // namespace sketchrnn
