#include "engine/polyline_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sketchrnn {
namespace {

constexpr std::size_t kLeaf = 16;  // points
constexpr double kUnit = 0x1p-53;  // of one rounding

// Beyond these a square overflows, or loses bits at the lower end of float64.
constexpr double kLargest = 1e100;
constexpr double kSmallest = 1e-100;

}  // namespace

PolylineTree::PolylineTree(const double* xy, std::size_t n, Pulse& pulse) : xy_(xy) {
  for (std::size_t i = 0; i < 2 * n; ++i) {
    if (i % 65536 == 0) pulse.check();
    largest_ = std::max(largest_, std::fabs(xy[i]));
  }
  for (std::size_t size = kLeaf; levels_.empty() || levels_.back().size() > 1; size *= 2) {
    std::vector<Box> level;
    level.reserve((n + size - 1) / size);
    for (std::size_t first = 0; first < n; first += size) {
      if (level.size() % 256 == 0 || size > 65536) pulse.check();
      level.push_back(box_around(first, std::min(n, first + size)));
    }
    levels_.push_back(std::move(level));
  }
}

PolylineTree::Box PolylineTree::box_around(std::size_t first, std::size_t last) const {
  // Along the direction in which the points spread most.
  const double* const p0 = xy_ + 2 * first;
  const auto count = static_cast<double>(last - first);
  double x = 0.0, y = 0.0, xx = 0.0, xy = 0.0, yy = 0.0;
  for (std::size_t i = first; i < last; ++i) {
    const double dx = xy_[2 * i] - p0[0];
    const double dy = xy_[2 * i + 1] - p0[1];
    x += dx;
    y += dy;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const double angle =
      0.5 * std::atan2(2.0 * (xy - x * y / count), (xx - x * x / count) - (yy - y * y / count));
  constexpr double inf = std::numeric_limits<double>::infinity();
  Box box{{inf, inf}, {-inf, -inf}, {1.0, 0.0}, {inf, inf}, {-inf, -inf}};
  if (std::isfinite(angle)) {
    box.along[0] = std::cos(angle);
    box.along[1] = std::sin(angle);
  }
  for (std::size_t i = first; i < last; ++i) {
    const double* const p = xy_ + 2 * i;
    const double turned[2] = {box.along[0] * p[0] + box.along[1] * p[1],
                              box.along[0] * p[1] - box.along[1] * p[0]};
    for (int d = 0; d < 2; ++d) {
      box.low[d] = std::min(box.low[d], p[d]);
      box.high[d] = std::max(box.high[d], p[d]);
      box.near[d] = std::min(box.near[d], turned[d]);
      box.far[d] = std::max(box.far[d], turned[d]);
    }
  }
  return box;
}

class PolylineTree::Search {
 public:
  Search(const PolylineTree& tree, std::size_t first, std::size_t last, double epsilon, Chord chord,
         Pulse& pulse)
      : tree_(tree),
        first_(first),
        last_(last),
        a_(tree.xy_ + 2 * first),
        b_(tree.xy_ + 2 * last),
        chord_(chord),
        pulse_(pulse),
        dx_(b_[0] - a_[0]),
        dy_(b_[1] - a_[1]),
        inverse_(dx_ * dx_ + dy_ * dy_ > 0.0 ? 1.0 / (dx_ * dx_ + dy_ * dy_) : 0.0),
        slack_(rounding_of(tree.largest_)),
        furthest_(first),
        best_(epsilon) {}

  // Whether bounds hold: sizes are such that no square overflows or underflows.
  bool bounded() const {
    const double length2 = dx_ * dx_ + dy_ * dy_;
    return tree_.largest_ < kLargest && tree_.largest_ > kSmallest &&
           (length2 == 0.0 || length2 > kShortest2);
  }

  void scan(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (++seen_ % 1024 == 0) pulse_.check();
      const double d = distance(tree_.xy_ + 2 * i, a_, b_, chord_);
      if (d > best_ || (d == best_ && i < furthest_)) {
        best_ = d;
        furthest_ = i;
      }
    }
  }

  void descend(std::size_t level, std::size_t index) {
    const std::size_t size = kLeaf << level;
    if (level == 0) {
      scan(std::max(index * size, first_ + 1), std::min((index + 1) * size, last_));
      return;
    }
    // What promises more comes first, so that the other may be skipped; of equals the first.
    const std::size_t left = 2 * index;
    const double bounds[2] = {bound(level - 1, left), bound(level - 1, left + 1)};
    const std::size_t order = bounds[1] > bounds[0] ? 1 : 0;
    for (const std::size_t which : {order, 1 - order})
      if (promises(bounds[which], (left + which) * size / 2)) descend(level - 1, left + which);
  }

  std::size_t found() const { return furthest_; }

 private:
  bool promises(double most, std::size_t start) const {
    return most > best_ || (most == best_ && start < furthest_);
  }

  // No point of the box is found further away by distance(); below zero where the box holds no
  // point between the chord's ends.
  double bound(std::size_t level, std::size_t index) const {
    const std::size_t size = kLeaf << level;
    if (index >= tree_.levels_[level].size() || (index + 1) * size <= first_ + 1 ||
        index * size >= last_)
      return -1.0;
    const Box& box = tree_.levels_[level][index];
    double upright = 0.0;
    double turned = 0.0;
    for (const double x : {box.low[0], box.high[0]})
      for (const double y : {box.low[1], box.high[1]}) upright = std::max(upright, far(x, y));
    const double* const e = box.along;
    for (const double u : {box.near[0], box.far[0]})
      for (const double v : {box.near[1], box.far[1]})
        turned = std::max(turned, far(e[0] * u - e[1] * v, e[1] * u + e[0] * v));
    double most = std::min(upright, turned) + slack_;
    for (int axis = 0; axis < 2; ++axis) most = std::min(most, bound_level(box, axis));
    return most;
  }

  // Where the chord is parallel to an axis, distance() comes to the difference in the other
  // coordinate, exactly: the rest is a rounding error that hypot() cannot see beside it. Without
  // this, the equal distances of a zigzag's points could not be told from ones a little larger.
  double bound_level(const Box& box, int axis) const {
    constexpr double inf = std::numeric_limits<double>::infinity();
    // Nor for a chord so short that distance() takes it for a point.
    if ((axis == 0 ? dy_ : dx_) != 0.0 || inverse_ == 0.0) return inf;
    const int across = 1 - axis;
    if (chord_ == Chord::kSegment && (box.low[axis] < std::min(a_[axis], b_[axis]) ||
                                      box.high[axis] > std::max(a_[axis], b_[axis])))
      return inf;
    const double most =
        std::max(std::fabs(box.high[across] - a_[across]), std::fabs(box.low[across] - a_[across]));
    const double rest = 32.0 * kUnit * tree_.largest_;
    // (2^-28)² / 2 of the result is less than half of its last bit.
    return rest <= most * 0x1p-28 ? most : inf;
  }

  double far(double x, double y) const {
    const double px = x - a_[0];
    const double py = y - a_[1];
    double t = (px * dx_ + py * dy_) * inverse_;
    if (chord_ == Chord::kSegment) t = std::clamp(t, 0.0, 1.0);
    const double ex = px - t * dx_;
    const double ey = py - t * dy_;
    return std::sqrt(ex * ex + ey * ey);
  }

  const PolylineTree& tree_;
  const std::size_t first_, last_;
  const double* const a_;
  const double* const b_;
  const Chord chord_;
  Pulse& pulse_;
  const double dx_, dy_, inverse_, slack_;
  std::size_t furthest_;
  double best_;
  std::size_t seen_ = 0;
};

std::size_t PolylineTree::furthest(std::size_t first, std::size_t last, double epsilon, Chord chord,
                                   Pulse& pulse) const {
  Search search(*this, first, last, epsilon, chord, pulse);
  if (last - first <= 2 * kLeaf || !search.bounded()) {
    search.scan(first + 1, last);
    return search.found();
  }
  std::size_t level = 0;
  while ((first / kLeaf) >> level != (last / kLeaf) >> level) ++level;
  search.descend(level, (first / kLeaf) >> level);
  return search.found();
}

}  // namespace sketchrnn
