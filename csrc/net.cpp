#include "net.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "error.h"

namespace sketchrnn {

Net::Net(std::shared_ptr<const Weights> weights, const Kernels& kernels, Precision precision)
    : weights_(std::move(weights)), kernels_(kernels) {
  pack(precision);
  start_h_ = AlignedFloats(state_stride_);
  start_c_ = AlignedFloats(state_stride_);
  const AlignedFloats zero(state_stride_);
  AlignedFloats rounded(state_stride_);
  const Input token{0.0f, 0.0f, Pen::start};
  kernels_.step(packed_, 0, packed_.panels, false, 1, &token, zero.data(), start_c_.data(),
                start_h_.data(), state_stride_, rounded.data());
}

int Net::kernel_row(int index) const {
  const int choices = choice_outputs();
  if (index < choices) return index;
  const int parameter = (index - choices) / mixtures();
  const int component = (index - choices) % mixtures();
  return choices + component * kPlaceOutputs + parameter;
}

std::size_t Net::packed_bytes() const {
  const std::size_t wide = widened_ ? wide_recurrent_.size() : 0;
  return (input_.size() + recurrent_.size() + wide + head_.size() + h_scale_.size() +
          scale_.size()) *
             sizeof(float) +
         start_.size() * sizeof(std::int32_t) + head_bias_.size() * sizeof(double);
}

namespace {

// log2(e) with the signs and factors of kGateScale, in float64: everything packed is computed so
// and rounded once.
constexpr double kLog2E = 1.4426950408889634;
constexpr double kExponentScale[4] = {-kLog2E, -2.0 * kLog2E, -kLog2E, -kLog2E};

std::vector<double> read_wide(const Tensor& tensor) {
  AlignedFloats unscaled(tensor.count);
  tensor.read_unscaled(0, tensor.count, unscaled.data());
  std::vector<double> wide(unscaled.data(), unscaled.data() + tensor.count);
  for (double& x : wide) x *= tensor.scale;
  return wide;
}

// Where the 4H columns i, j, f, o of a weight row go in the panels.
struct PanelLayout {
  std::size_t hidden, panel, panels;

  std::size_t row() const { return 4 * panel; }

  // Row `at` of `rows_per_panel`.
  template <class Word>
  void scatter(const Word* source, Word* packed, std::size_t rows_per_panel, std::size_t at) const {
    for (std::size_t p = 0; p < panels; ++p) {
      Word* const target = packed + (p * rows_per_panel + at) * row();
      const std::size_t first = p * panel;
      const std::size_t count = std::min(panel, hidden - first);
      for (std::size_t g = 0; g < 4; ++g)
        std::memcpy(target + g * panel, source + g * hidden + first, count * sizeof(Word));
    }
  }
};

AlignedFloats pack_input(const Weights& w, const PanelLayout& layout) {
  const std::size_t hidden = layout.hidden;
  const std::size_t gates = 4 * hidden;
  const std::vector<double> wx = read_wide(w.wx);
  std::vector<double> bias = read_wide(w.b);
  for (std::size_t u = 2 * hidden; u < 3 * hidden; ++u) bias[u] += 1.0;  // forget gate
  AlignedFloats packed(layout.panels * kInputRows * layout.row());
  AlignedFloats line(gates);
  const auto put = [&](std::size_t at, auto value) {
    for (std::size_t u = 0; u < gates; ++u)
      line[u] = static_cast<float>(value(u) * kExponentScale[u / hidden]);
    layout.scatter(line.data(), packed.data(), kInputRows, at);
  };
  for (std::size_t pen = 0; pen < 3; ++pen)
    put(pen, [&](std::size_t u) { return bias[u] + wx[(2 + pen) * gates + u]; });
  put(3, [&](std::size_t u) {
    double sum = bias[u];
    for (std::size_t i = 0; i < 5; ++i) sum += w.start_token[i] * wx[i * gates + u];
    return sum;
  });
  for (std::size_t axis = 0; axis < 2; ++axis)
    put(4 + axis, [&](std::size_t u) { return wx[axis * gates + u]; });
  return packed;
}

}  // namespace

void Net::pack(Precision precision) {
  const Weights& w = *weights_;
  const std::size_t hidden = static_cast<std::size_t>(w.hidden);
  const std::size_t panel = static_cast<std::size_t>(kernels_.panel);
  const PanelLayout layout{hidden, panel, (hidden + panel - 1) / panel};
  const int elements = elements_per_word(precision);
  if (w.quantised() && precision != Precision::i8)
    throw ArgumentError("precision: the weights are stored quantised, expected \"i8\"");
  state_stride_ = padded(hidden) + 16;
  packed_.precision = precision;
  packed_.hidden = w.hidden;
  packed_.mixtures = w.mixtures;
  packed_.panels = static_cast<int>(layout.panels);
  packed_.words = (w.hidden + elements - 1) / elements;
  input_ = pack_input(w, layout);
  packed_.input = input_.data();
  if (precision == Precision::f32) {
    pack_floats();
  } else if (precision == Precision::i16) {
    pack_integers(quantise_i16(w));
  } else {
    pack_integers(w.quantised() ? stored_i8(w)
                                : quantise_i8(std::make_shared<const Net>(weights_, kernels_)));
  }
  packed_.recurrent = recurrent_.data();
  pack_head();
}

void Net::pack_floats() {
  const Tensor& wh = weights_->wh;
  const std::size_t hidden = static_cast<std::size_t>(packed_.hidden);
  const std::size_t gates = 4 * hidden;
  const PanelLayout layout{hidden, static_cast<std::size_t>(kernels_.panel),
                           static_cast<std::size_t>(packed_.panels)};
  const std::size_t count = layout.panels * hidden * layout.row();
  packed_.storage = wh.dtype == DType::f32   ? Storage::f32
                    : wh.dtype == DType::f16 ? Storage::f16
                    : wh.dtype == DType::i16 ? Storage::i16
                                             : Storage::i8;
  const std::size_t per_float = sizeof(float) / bytes_of(packed_.storage);
  recurrent_ = AlignedFloats((count + per_float - 1) / per_float);
  const auto put_rows = [&](auto& line, auto* packed, const auto& read) {
    for (std::size_t k = 0; k < hidden; ++k) {
      read(k * gates, line.data());
      layout.scatter(line.data(), packed, hidden, k);
    }
  };
  if (packed_.storage == Storage::f32) {
    AlignedFloats line(gates);
    put_rows(line, recurrent_.data(),
             [&](std::size_t at, float* out) { wh.read_unscaled(at, gates, out); });
  } else if (packed_.storage == Storage::i8) {
    std::vector<std::int8_t> line(gates);
    put_rows(line, reinterpret_cast<std::int8_t*>(recurrent_.data()),
             [&](std::size_t at, std::int8_t* out) { std::memcpy(out, wh.data + at, gates); });
  } else {
    std::vector<std::uint16_t> line(gates);
    put_rows(line, reinterpret_cast<std::uint16_t*>(recurrent_.data()),
             [&](std::size_t at, std::uint16_t* out) { wh.read_words(at, gates, out); });
  }
  pack_scale(weights_->recurrent_scales());
}

const Packed& Net::packed_for_many() const {
  if (packed_.storage == Storage::f32) return packed_;
  std::call_once(widen_once_, [this] {
    const auto* const words = reinterpret_cast<const std::uint16_t*>(recurrent_.data());
    const auto* const bytes = reinterpret_cast<const std::int8_t*>(recurrent_.data());
    AlignedFloats wide(sizeof(float) / bytes_of(packed_.storage) * recurrent_.size());
    for (std::size_t i = 0; i < wide.size(); ++i)
      wide[i] = packed_.storage == Storage::f16   ? half_to_float(words[i])
                : packed_.storage == Storage::i16 ? static_cast<std::int16_t>(words[i])
                                                  : bytes[i];
    wide_recurrent_ = std::move(wide);
    wide_ = packed_;
    wide_.storage = Storage::f32;
    wide_.recurrent = wide_recurrent_.data();
    widened_ = true;
  });
  return wide_;
}

void Net::pack_scale(const std::vector<double>& column_scale) {
  const std::size_t hidden = static_cast<std::size_t>(packed_.hidden);
  const PanelLayout layout{hidden, static_cast<std::size_t>(kernels_.panel),
                           static_cast<std::size_t>(packed_.panels)};
  std::vector<float> line(4 * hidden);
  for (std::size_t u = 0; u < line.size(); ++u)
    line[u] = static_cast<float>(column_scale[u] * kExponentScale[u / hidden]);
  scale_ = AlignedFloats(layout.panels * layout.row());
  layout.scatter(line.data(), scale_.data(), 1, 0);
  packed_.scale = scale_.data();
}

void Net::pack_integers(const QuantisedRecurrent& quantised) {
  const std::size_t hidden = static_cast<std::size_t>(packed_.hidden);
  const std::size_t gates = 4 * hidden;
  const std::size_t panel = static_cast<std::size_t>(kernels_.panel);
  const PanelLayout layout{hidden, panel, static_cast<std::size_t>(packed_.panels)};
  const std::size_t words = static_cast<std::size_t>(packed_.words);
  const bool bytes = packed_.precision == Precision::i8;
  const std::size_t elements = bytes ? 4 : 2;
  const std::size_t blocks = (words + kBlock - 1) / kBlock;

  recurrent_ = AlignedFloats(layout.panels * words * layout.row());
  if (bytes) start_.assign(layout.panels * blocks * layout.row(), 0);
  std::vector<float> line(gates);
  std::vector<std::int32_t> sums(gates, 0);
  for (std::size_t word = 0; word < words; ++word) {
    for (std::size_t u = 0; u < gates; ++u) {
      std::uint32_t bits = 0;
      for (std::size_t e = 0; e < elements && word * elements + e < hidden; ++e) {
        const std::int16_t q = quantised.q[(word * elements + e) * gates + u];
        sums[u] += q;
        bits |= bytes ? (static_cast<std::uint32_t>(q) & 0xFFu) << 8 * e
                      : (static_cast<std::uint32_t>(q) & 0xFFFFu) << 16 * e;
      }
      std::memcpy(&line[u], &bits, sizeof bits);
    }
    layout.scatter(line.data(), recurrent_.data(), words, word);
    if (bytes && (word + 1 == words || (word + 1) % kBlock == 0)) {
      for (std::int32_t& sum : sums) sum *= -128;
      layout.scatter(sums.data(), start_.data(), blocks, word / kBlock);
      std::fill(sums.begin(), sums.end(), 0);
    }
  }
  pack_scale({quantised.column_scale.begin(), quantised.column_scale.end()});
  h_scale_ = AlignedFloats(padded(hidden));
  std::copy(quantised.h_scale.begin(), quantised.h_scale.end(), h_scale_.data());
  packed_.start = start_.data();
  packed_.h_scale = h_scale_.data();
  packed_.h_limit = quantised.h_limit;
}

void Net::pack_head() {
  const Weights& w = *weights_;
  const std::size_t hidden = static_cast<std::size_t>(w.hidden);
  const std::size_t head_stride = padded(hidden);
  const std::size_t outputs_count = static_cast<std::size_t>(outputs());
  head_ = AlignedFloats(outputs_count * head_stride);
  head_bias_.assign(outputs_count, 0.0);
  const auto kernel_row_of = [&](std::size_t output) {
    return static_cast<std::size_t>(kernel_row(static_cast<int>(output)));
  };
  AlignedFloats columns(outputs_count);
  for (std::size_t k = 0; k < hidden; ++k) {
    w.wo.read_unscaled(k * outputs_count, outputs_count, columns.data());
    for (std::size_t o = 0; o < outputs_count; ++o)
      head_[kernel_row_of(o) * head_stride + k] = columns[o];
  }
  w.bo.read_unscaled(0, outputs_count, columns.data());
  for (std::size_t o = 0; o < outputs_count; ++o)
    head_bias_[kernel_row_of(o)] = columns[o] * w.bo.scale;
  packed_.head_stride = head_stride;
  packed_.head = head_.data();
  packed_.head_bias = head_bias_.data();
  packed_.head_scale = w.wo.scale;
}

}  // namespace sketchrnn
