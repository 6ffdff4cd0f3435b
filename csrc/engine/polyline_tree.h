// Boxes around stretches of a polyline, in a binary tree: to find the point furthest from a chord
// without looking at every point.
//
// A distance to a segment or a line is a convex function, so over a box it is largest at a corner.
// A stretch whose box promises less than what has been found is skipped. (Path hulls, Hershberger &
// Snoeyink 1992, find the furthest point of exact arithmetic; here it must be the very point that a
// scan of all points in float64 would choose, rounding and ties included, so bounds are widened by
// what rounding can do and the points themselves decide.)
#pragma once

#include <cstddef>
#include <vector>

#include "engine/chord.h"
#include "progress.h"

namespace sketchrnn {

class PolylineTree {
 public:
  // Over n points (x, y pairs), which must stay.
  PolylineTree(const double* xy, std::size_t n, Pulse& pulse);

  // What a scan of the points strictly between `first` and `last` finds: the first one of the
  // largest distance to the chord from `first` to `last`, if that is above epsilon; else `first`.
  std::size_t furthest(std::size_t first, std::size_t last, double epsilon, Chord chord,
                       Pulse& pulse) const;

 private:
  struct Box {
    double low[2], high[2];  // along x and y
    double along[2];         // a unit vector
    double near[2], far[2];  // along it and across
  };
  class Search;

  Box box_around(std::size_t first, std::size_t last) const;

  const double* xy_;
  double largest_ = 0.0;                  // of all |x| and |y|
  std::vector<std::vector<Box>> levels_;  // from the leaves up
};

}  // namespace sketchrnn
