// Which condition each drawing of a call has.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/latent.h"
#include "error.h"
#include "model/net.h"
#include "progress.h"

namespace sketchrnn {

// Latent vectors: N_z numbers for all drawings, or for each; none: drawing i of the call has that
// of (seed, index + i), from N(0, I).
struct Latents {
  std::vector<float> z;
  std::uint64_t seed = 0;
  std::uint64_t index = 0;
};

class Conditions {
 public:
  // Makes one condition of another; asks its progress function and may throw Cancelled.
  using Make = std::function<ConditionPtr(const ConditionPtr&, const Progress&)>;

  // `objects` are numbers into the net's list: none for the default one, one for all drawings, or
  // one for each. Throws ArgumentError for a number that is not in the list.
  explicit Conditions(std::shared_ptr<const Net> net, std::vector<std::uint32_t> objects = {})
      : net_(std::move(net)), objects_(std::move(objects)) {
    const std::size_t known = net_->weights().objects.size();
    for (const std::uint32_t object : objects_)
      if (object >= known)
        throw ArgumentError("object: expected a number below " + std::to_string(known) +
                            ", found " + std::to_string(object));
  }

  // Of a net with a latent vector. Throws ArgumentError for numbers that are not whole rows of
  // N_z, or not finite, and for any where the net has no latent vector.
  Conditions(std::shared_ptr<const Net> net, Latents latents)
      : net_(std::move(net)), latents_(std::move(latents)) {
    const std::vector<float>& z = latents_.z;
    const std::size_t wide = net_->latent();
    if (wide == 0) {
      if (!z.empty()) throw ArgumentError("z: this net has no latent vector");
      return;
    }
    if (z.size() % wide != 0)
      throw ArgumentError("z: expected rows of " + std::to_string(wide) + " numbers, found " +
                          std::to_string(z.size()) + " in all");
    for (std::size_t i = 0; i < z.size(); ++i)
      if (!std::isfinite(z[i]))
        throw ArgumentError("z: row " + std::to_string(i / wide) + ": number " +
                            std::to_string(i % wide) + " must be finite, found " +
                            std::to_string(z[i]));
    if (z.size() == wide) shared_ = net_->condition(z.data());
  }

  const std::shared_ptr<const Net>& net() const { return net_; }

  // Throws ArgumentError where there are neither one nor `count` objects or latent vectors.
  void check_count(std::size_t count) const {
    if (objects_.size() > 1 && objects_.size() != count)
      throw ArgumentError("object: expected one, or one for each of the " + std::to_string(count) +
                          " drawings, found " + std::to_string(objects_.size()));
    const std::size_t wide = net_->latent();
    const std::size_t rows = wide == 0 ? 0 : latents_.z.size() / wide;
    if (rows > 1 && rows != count)
      throw ArgumentError("z: expected one row, or one for each of the " + std::to_string(count) +
                          " drawings, found " + std::to_string(rows));
  }

  // Drawings of the same number have the same condition.
  std::size_t object(std::size_t drawing) const {
    if (net_->latent() != 0) return shared_ != nullptr ? 0 : drawing;
    return objects_.empty()       ? net_->weights().default_object
           : objects_.size() == 1 ? objects_.front()
                                  : objects_[drawing];
  }

  // Whether each drawing has a latent vector of its own.
  bool each_its_own() const { return net_->latent() != 0 && shared_ == nullptr; }

  // The latent vector of a drawing; of a net that has one.
  std::vector<float> latent(std::size_t drawing) const {
    const std::size_t wide = net_->latent();
    if (latents_.z.empty())
      return latent_normals(net_->kernels(), wide, latents_.seed, latents_.index + drawing);
    const float* const first = latents_.z.data() + (latents_.z.size() == wide ? 0 : drawing * wide);
    return {first, first + wide};
  }

  // Safe from any thread. `progress` is asked where the condition takes long to make; throws
  // Cancelled when it says no.
  ConditionPtr at(std::size_t drawing, const Progress& progress = {}) const {
    const std::size_t which = object(drawing);
    const auto found = replaced_.find(which);
    if (found != replaced_.end()) return found->second;
    if (net_->latent() == 0) return net_->condition(which);
    if (shared_ != nullptr) return shared_;
    ConditionPtr made = net_->condition(latent(drawing).data());
    return make_ ? make_(made, progress) : made;
  }

  // The same with every drawing's condition replaced by make(its condition), which is called once
  // for each object among the first `count` drawings: at once, or, where each drawing has a latent
  // vector of its own, in at(), so that not all of them stand in memory. What `make` refers to must
  // live as long as these conditions.
  Conditions replaced(std::size_t count, const Make& make, const Progress& progress = {}) const {
    Conditions out = *this;
    if (each_its_own() && count > 1) {
      out.make_ = make;
      return out;
    }
    const std::size_t different = objects_.size() > 1 ? count : std::min<std::size_t>(1, count);
    for (std::size_t i = 0; i < different; ++i)
      if (out.replaced_.count(object(i)) == 0) out.replaced_[object(i)] = make(at(i), progress);
    return out;
  }

 private:
  std::shared_ptr<const Net> net_;
  std::vector<std::uint32_t> objects_;
  Latents latents_;
  ConditionPtr shared_;                           // of one latent vector for all
  std::map<std::size_t, ConditionPtr> replaced_;  // by object
  Make make_;
};

}  // namespace sketchrnn
