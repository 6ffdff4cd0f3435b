#include "net.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sketchrnn {

Net::Net(std::shared_ptr<const Weights> weights, const KernelsF32& kernels)
    : weights_(std::move(weights)), kernels_(kernels) {
  pack();
  start_h_ = AlignedFloats(state_stride_);
  start_c_ = AlignedFloats(state_stride_);
  const AlignedFloats zero(state_stride_);
  const Input token{0.0f, 0.0f, Pen::start};
  kernels_.step(packed_, 0, packed_.panels, 1, &token, zero.data(), start_c_.data(),
                start_h_.data(), state_stride_);
}

int Net::kernel_row(int index) const {
  const int choices = choice_outputs();
  if (index < choices) return index;
  const int parameter = (index - choices) / mixtures();
  const int component = (index - choices) % mixtures();
  return choices + component * kPlaceOutputs + parameter;
}

std::size_t Net::packed_bytes() const {
  return (input_.size() + recurrent_.size() + head_.size()) * sizeof(float) +
         head_bias_.size() * sizeof(double);
}

void Net::pack() {
  const Weights& w = *weights_;
  const std::size_t hidden = static_cast<std::size_t>(w.hidden);
  const std::size_t panel = static_cast<std::size_t>(kernels_.panel);
  const std::size_t panels = (hidden + panel - 1) / panel;
  const std::size_t row = 4 * panel;
  const std::size_t gates = 4 * hidden;
  const std::size_t head_stride = padded(hidden);
  state_stride_ = padded(hidden) + 16;

  // Position of gate column `g * hidden + unit` inside a packed row of its panel.
  const auto scatter = [&](const float* source, float* packed, std::size_t rows_per_panel,
                           std::size_t at) {
    for (std::size_t p = 0; p < panels; ++p) {
      float* target = packed + (p * rows_per_panel + at) * row;
      const std::size_t first = p * panel;
      const std::size_t count = std::min(panel, hidden - first);
      for (std::size_t g = 0; g < 4; ++g)
        std::memcpy(target + g * panel, source + g * hidden + first, count * sizeof(float));
    }
  };

  // Everything is computed in float64 and rounded once, when it is packed.
  constexpr double log2_e = 1.4426950408889634;
  constexpr double gate_scale[4] = {-log2_e, -2.0 * log2_e, -log2_e, -log2_e};  // as kGateScale
  AlignedFloats line(gates);
  const auto scaled = [&](std::size_t u, double value) {
    return static_cast<float>(value * gate_scale[u / hidden]);
  };
  const auto read_wide = [](const Tensor& tensor) {
    AlignedFloats unscaled(tensor.count);
    tensor.read_unscaled(0, tensor.count, unscaled.data());
    std::vector<double> wide(unscaled.data(), unscaled.data() + tensor.count);
    for (double& x : wide) x *= tensor.scale;
    return wide;
  };
  const std::vector<double> wx = read_wide(w.wx);
  std::vector<double> bias = read_wide(w.b);
  for (std::size_t u = 2 * hidden; u < 3 * hidden; ++u) bias[u] += 1.0;  // forget gate

  input_ = AlignedFloats(panels * kInputRows * row);
  for (std::size_t pen = 0; pen < 3; ++pen) {
    for (std::size_t u = 0; u < gates; ++u)
      line[u] = scaled(u, bias[u] + wx[(2 + pen) * gates + u]);
    scatter(line.data(), input_.data(), kInputRows, pen);
  }
  for (std::size_t u = 0; u < gates; ++u) {
    double sum = bias[u];
    for (std::size_t i = 0; i < 5; ++i) sum += w.start_token[i] * wx[i * gates + u];
    line[u] = scaled(u, sum);
  }
  scatter(line.data(), input_.data(), kInputRows, 3);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    for (std::size_t u = 0; u < gates; ++u) line[u] = scaled(u, wx[axis * gates + u]);
    scatter(line.data(), input_.data(), kInputRows, 4 + axis);
  }

  recurrent_ = AlignedFloats(panels * hidden * row);
  for (std::size_t k = 0; k < hidden; ++k) {
    w.wh.read_unscaled(k * gates, gates, line.data());
    for (std::size_t g = 0; g < 4; ++g) {
      const double factor = w.wh.scale * gate_scale[g];
      float* const gate = line.data() + g * hidden;
      for (std::size_t u = 0; u < hidden; ++u) gate[u] = static_cast<float>(gate[u] * factor);
    }
    scatter(line.data(), recurrent_.data(), hidden, k);
  }

  packed_.hidden = w.hidden;
  packed_.mixtures = w.mixtures;
  packed_.panels = static_cast<int>(panels);
  packed_.head_stride = head_stride;
  const std::size_t outputs_count = static_cast<std::size_t>(outputs());
  head_ = AlignedFloats(outputs_count * head_stride);
  head_bias_.assign(outputs_count, 0.0);
  AlignedFloats columns(outputs_count);
  for (std::size_t k = 0; k < hidden; ++k) {
    w.wo.read_unscaled(k * outputs_count, outputs_count, columns.data());
    for (std::size_t o = 0; o < outputs_count; ++o)
      head_[static_cast<std::size_t>(kernel_row(static_cast<int>(o))) * head_stride + k] =
          columns[o];
  }
  w.bo.read_unscaled(0, outputs_count, columns.data());
  for (std::size_t o = 0; o < outputs_count; ++o)
    head_bias_[static_cast<std::size_t>(kernel_row(static_cast<int>(o)))] = columns[o] * w.bo.scale;

  packed_.input = input_.data();
  packed_.recurrent = recurrent_.data();
  packed_.head = head_.data();
  packed_.head_bias = head_bias_.data();
  packed_.head_scale = w.wo.scale;
}

}  // namespace sketchrnn
