// A dense layer y = x·W + b through the kernels' head, whose sums have one order everywhere.
#pragma once

#include <cstddef>
#include <vector>

#include "aligned.h"
#include "kernels/kernels.h"
#include "model/weights.h"

namespace sketchrnn {

class Dense {
 public:
  // Rows [first, first + count) of `weights` are W; `bias` has a number for each of its columns, or
  // is empty for zeros.
  Dense(const Kernels& kernels, const Tensor& weights, std::size_t first, std::size_t count,
        std::vector<double> bias = {});

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return bias_.size(); }
  // Floats that apply() reads of x, zeros behind inputs().
  std::size_t padded_inputs() const { return stride_; }

  void apply(const float* x, float* y) const;

  std::size_t bytes() const {
    return weights_.size() * sizeof(float) + bias_.size() * sizeof(double);
  }

 private:
  const Kernels& kernels_;
  std::size_t inputs_, stride_;
  AlignedFloats weights_;  // [outputs][stride]
  std::vector<double> bias_;
};

}  // namespace sketchrnn
