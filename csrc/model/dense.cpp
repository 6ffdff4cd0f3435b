#include "model/dense.h"

#include <utility>

namespace sketchrnn {

Dense::Dense(const Kernels& kernels, const Tensor& weights, std::size_t first, std::size_t count,
             std::vector<double> bias)
    : kernels_(kernels),
      inputs_(count),
      stride_((count + kPad - 1) / kPad * kPad),
      bias_(std::move(bias)) {
  const std::size_t columns = weights.shape.back();
  bias_.resize(columns, 0.0);
  weights_ = AlignedFloats(columns * stride_);
  AlignedFloats row(columns);
  for (std::size_t k = 0; k < count; ++k) {
    weights.read((first + k) * columns, columns, row.data());
    for (std::size_t o = 0; o < columns; ++o) weights_[o * stride_ + k] = row[o];
  }
}

void Dense::apply(const float* x, float* y) const {
  Packed packed{};
  packed.head = weights_.data();
  packed.head_stride = stride_;
  packed.head_scale = 1.0;
  const double* const bias = bias_.data();
  kernels_.head(packed, 0, static_cast<int>(bias_.size()), 1, &bias, x, stride_, y, 1);
}

}  // namespace sketchrnn
