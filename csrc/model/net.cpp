#include "model/net.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <utility>

#include "error.h"
#include "model/encoder.h"
#include "model/exact.h"

namespace sketchrnn {

int Net::kernel_row(int index) const {
  const int choices = choice_outputs();
  if (index < choices) return index;
  const int parameter = (index - choices) / mixtures();
  const int component = (index - choices) % mixtures();
  return choices + component * kPlaceOutputs + parameter;
}

std::size_t Net::packed_bytes() const {
  const std::size_t wide = widened_ ? wide_recurrent_.size() : 0;
  const Condition& condition = *default_condition_;
  std::size_t latents = 0;
  if (encoder_ != nullptr)
    latents = latent_gates_->bytes() + latent_state_->bytes() + encoder_->mu.bytes() +
              encoder_->log_variance.bytes() + encoder_->forward.net->packed_bytes() +
              encoder_->backward.net->packed_bytes();
  return latents +
         (offsets_.size() + recurrent_.size() + wide + head_.size() + h_scale_.size() +
          scale_.size() + condition.bias.size() + to_b_.size() + to_bo_.size()) *
             sizeof(float) +
         start_.size() * sizeof(std::int32_t) +
         (wx_.size() + embed_.size() + condition.head_bias.size()) * sizeof(double);
}

namespace {

// log2(e) with the signs and factors of kGateScale, in float64: everything packed is computed so
// and rounded once.
constexpr double kLog2E = 1.4426950408889634;
constexpr double kExponentScale[4] = {-kLog2E, -2.0 * kLog2E, -kLog2E, -kLog2E};

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

PanelLayout layout_of(const Weights& w, const Kernels& kernels) {
  const auto hidden = static_cast<std::size_t>(w.hidden);
  const auto panel = static_cast<std::size_t>(kernels.panel);
  return {hidden, panel, (hidden + panel - 1) / panel};
}

// `rows` rows of the gates' sums, from value(row, column), which is scaled for the exponentials.
template <class Value>
AlignedFloats pack_rows(const PanelLayout& layout, std::size_t rows, const Value& value) {
  AlignedFloats packed(layout.panels * rows * layout.row());
  AlignedFloats line(4 * layout.hidden);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t u = 0; u < line.size(); ++u)
      line[u] = static_cast<float>(value(row, u) * kExponentScale[u / layout.hidden]);
    layout.scatter(line.data(), packed.data(), rows, row);
  }
  return packed;
}

}  // namespace

Net::Net(std::shared_ptr<const Weights> weights, const Kernels& kernels, Precision precision,
         const QuantisedRecurrent* integers, const Progress& progress,
         std::shared_ptr<const Encoder> encoder)
    : weights_(std::move(weights)),
      kernels_(kernels),
      encoder_(std::move(encoder)),
      conditions_(weights_->objects.size()) {
  Pulse pulse(progress);
  const Weights& w = *weights_;
  if (w.quantised() && precision != Precision::i8)
    throw ArgumentError("precision: the weights are stored quantised, expected \"i8\"");
  const PanelLayout layout = layout_of(w, kernels_);
  const int elements = elements_per_word(precision);
  state_stride_ = padded(layout.hidden) + 16;
  packed_.precision = precision;
  packed_.hidden = w.hidden;
  packed_.mixtures = w.mixtures;
  packed_.panels = static_cast<int>(layout.panels);
  packed_.words = (w.hidden + elements - 1) / elements;
  wx_ = w.wx.read_wide();
  offsets_ = pack_rows(layout, kOffsetRows, [&](std::size_t axis, std::size_t u) {
    return wx_[axis * 4 * layout.hidden + u];
  });
  packed_.offsets = offsets_.data();
  if (precision == Precision::f32)
    pack_floats(pulse);
  else
    pack_integers(*integers, pulse);
  packed_.recurrent = recurrent_.data();
  if (w.wo.count != 0) pack_head(pulse);  // the directions of an encoder have none
  plain_biases_ = {w.b.read_wide(), w.bo.read_wide()};
  if (!w.objects.empty()) {
    embed_ = w.embed.read_wide();
    for (const auto& [tensor, out] : {std::pair{&w.to_b, &to_b_}, {&w.to_bo, &to_bo_}}) {
      out->resize(tensor->count);
      tensor->read(0, tensor->count, out->data());
    }
  }
  if (encoder_ != nullptr) {
    wx_.resize(5 * 4 * layout.hidden);
    latent_gates_ = std::make_unique<const Dense>(kernels_, w.wx, 5, latent());
    latent_state_ = std::make_unique<const Dense>(kernels_, w.z_w, 0, latent(), w.z_b.read_wide());
    default_condition_ = condition(std::vector<float>(latent(), 0.0f).data());
    return;
  }
  default_condition_ = make_condition(biases(w.default_object), AlignedFloats(state_stride_),
                                      AlignedFloats(state_stride_));
}

Biases Net::biases(std::size_t object) const {
  Biases out = plain_biases_;
  if (embed_.empty()) return out;
  const std::size_t size = to_b_.size() / out.gates.size();
  const auto fold = [&](std::vector<double>& bias, const std::vector<float>& side) {
    std::vector<double> sum(bias.size(), 0.0);
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t u = 0; u < bias.size(); ++u)
        sum[u] += embed_[object * size + k] * static_cast<double>(side[k * bias.size() + u]);
    for (std::size_t u = 0; u < bias.size(); ++u) {
      bias[u] += sum[u];
      if (!(std::fabs(bias[u]) <= FLT_MAX))
        throw WeightsError("the biases of object " + std::to_string(object) + " overflow float32");
      // Rounded, so that the plain net that is written for an object draws the same bits.
      bias[u] = static_cast<float>(bias[u]);
    }
  };
  fold(out.gates, to_b_);
  fold(out.head, to_bo_);
  return out;
}

ConditionPtr Net::make_condition(const Biases& biases, const AlignedFloats& h,
                                 AlignedFloats c) const {
  const Weights& w = *weights_;
  const PanelLayout layout = layout_of(w, kernels_);
  const std::size_t gates = 4 * layout.hidden;
  auto made = std::make_shared<Condition>();
  made->bias = pack_rows(layout, kBiasRows, [&](std::size_t row, std::size_t u) {
    double sum = biases.gates[u];
    if (u / layout.hidden == 2) sum += 1.0;  // forget gate
    if (row < static_cast<std::size_t>(Pen::start)) return sum + wx_[(2 + row) * gates + u];
    for (std::size_t i = 0; i < 5; ++i) sum += w.start_token[i] * wx_[i * gates + u];
    return sum;
  });
  made->head_bias.resize(biases.head.size());
  for (std::size_t o = 0; o < biases.head.size(); ++o)
    made->head_bias[static_cast<std::size_t>(kernel_row(static_cast<int>(o)))] = biases.head[o];
  made->h = AlignedFloats(state_stride_);
  made->c = std::move(c);
  AlignedFloats rounded(state_stride_);
  const Input token{0.0f, 0.0f, Pen::start, made->bias.data()};
  kernels_.step(packed_, 0, packed_.panels, false, 1, &token, h.data(), made->c.data(),
                made->h.data(), state_stride_, rounded.data());
  return made;
}

ConditionPtr Net::condition(std::size_t object) const {
  if (object == weights_->default_object || conditions_.empty()) return default_condition_;
  const Lock lock(mutex_);
  ConditionPtr found = conditions_[object].lock();
  if (found == nullptr) {
    found =
        make_condition(biases(object), AlignedFloats(state_stride_), AlignedFloats(state_stride_));
    conditions_[object] = found;
    recent_[next_recent_++ % recent_.size()] = found;
  }
  return found;
}

std::array<AlignedFloats, 2> Net::first_state(const float* z) const {
  const std::size_t hidden = static_cast<std::size_t>(packed_.hidden);
  AlignedFloats padded_z(latent_state_->padded_inputs());
  for (std::size_t i = 0; i < latent(); ++i)
    padded_z[i] = weights_->latent_tanh ? static_cast<float>(exact_tanh(z[i])) : z[i];
  AlignedFloats sums(latent_state_->outputs());
  latent_state_->apply(padded_z.data(), sums.data());
  std::array<AlignedFloats, 2> out{AlignedFloats(state_stride_), AlignedFloats(state_stride_)};
  for (std::size_t u = 0; u < hidden; ++u) {
    out[1][u] = static_cast<float>(exact_tanh(sums[u]));
    out[0][u] = static_cast<float>(exact_tanh(sums[hidden + u]));
  }
  return out;
}

AlignedFloats Net::first_h(const float* z) const { return first_state(z)[0]; }

ConditionPtr Net::condition(const float* z) const {
  auto [h, c] = first_state(z);
  AlignedFloats padded_z(latent_gates_->padded_inputs());
  std::copy_n(z, latent(), padded_z.data());
  AlignedFloats sums(latent_gates_->outputs());
  latent_gates_->apply(padded_z.data(), sums.data());
  Biases biases = plain_biases_;
  for (std::size_t u = 0; u < biases.gates.size(); ++u) {
    biases.gates[u] += sums[u];
    if (!(std::fabs(biases.gates[u]) <= FLT_MAX))
      throw ArgumentError("z: the biases it makes overflow float32");
  }
  for (std::size_t u = 0; u < static_cast<std::size_t>(packed_.hidden); ++u)
    if (std::isnan(h[u]) || std::isnan(c[u]))
      throw ArgumentError("z: the state it makes overflows float32");
  return make_condition(biases, h, std::move(c));
}

void Net::pack_floats(Pulse& pulse) {
  const Tensor& wh = weights_->wh;
  const std::size_t hidden = static_cast<std::size_t>(packed_.hidden);
  const std::size_t gates = 4 * hidden;
  const PanelLayout layout = layout_of(*weights_, kernels_);
  const std::size_t count = layout.panels * hidden * layout.row();
  packed_.storage = wh.dtype == DType::f32   ? Storage::f32
                    : wh.dtype == DType::f16 ? Storage::f16
                    : wh.dtype == DType::i16 ? Storage::i16
                                             : Storage::i8;
  const std::size_t per_float = sizeof(float) / bytes_of(packed_.storage);
  recurrent_ = AlignedFloats((count + per_float - 1) / per_float);
  const auto put_rows = [&](auto& line, auto* packed, const auto& read) {
    for (std::size_t k = 0; k < hidden; ++k) {
      pulse.check();
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
  if (widened_) return wide_;
  const Lock lock(mutex_);
  if (widened_) return wide_;
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
  return wide_;
}

void Net::pack_scale(const std::vector<double>& column_scale) {
  scale_ = pack_rows(layout_of(*weights_, kernels_), 1,
                     [&](std::size_t, std::size_t u) { return column_scale[u]; });
  packed_.scale = scale_.data();
}

void Net::pair_words(std::size_t row) {
  const auto words = static_cast<std::size_t>(packed_.words);
  std::vector<float> plain(words * row);
  for (int p = 0; p < packed_.panels; ++p) {
    float* const panel = recurrent_.data() + static_cast<std::size_t>(p) * plain.size();
    std::copy_n(panel, plain.size(), plain.data());
    for (std::size_t k = 0; k < words; ++k)
      for (std::size_t column = 0; column < row; ++column)
        panel[place_of_word(k, column, words, row, true)] = plain[k * row + column];
  }
}

void Net::pack_integers(const QuantisedRecurrent& quantised, Pulse& pulse) {
  const std::size_t hidden = static_cast<std::size_t>(packed_.hidden);
  const std::size_t gates = 4 * hidden;
  const PanelLayout layout = layout_of(*weights_, kernels_);
  const std::size_t words = static_cast<std::size_t>(packed_.words);
  const bool bytes = packed_.precision == Precision::i8;
  const std::size_t elements = bytes ? 4 : 2;
  const std::size_t blocks = (words + kBlock - 1) / kBlock;

  // The matrix unit's last tile of a panel may begin less than 16 words before its end, and is read
  // in full; h has zeros there.
  constexpr std::size_t behind = 15;
  recurrent_ = AlignedFloats((layout.panels * words + behind) * layout.row());
  if (bytes) start_.assign(layout.panels * blocks * layout.row(), 0);
  std::vector<float> line(gates);
  std::vector<std::int32_t> sums(gates, 0);
  for (std::size_t word = 0; word < words; ++word) {
    pulse.check();
    for (std::size_t u = 0; u < gates; ++u) {
      std::uint32_t bits = 0;
      for (std::size_t e = 0; e < elements && word * elements + e < hidden; ++e) {
        const std::int16_t q = quantised.q[(word * elements + e) * gates + u];
        sums[u] += q;
        bits |= bytes ? (static_cast<std::uint32_t>(q + kernels_.i8_added) & 0xFFu) << 8 * e
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
  if (bytes && kernels_.i8_pairs) pair_words(layout.row());
  pack_scale({quantised.column_scale.begin(), quantised.column_scale.end()});
  h_scale_ = AlignedFloats(padded(hidden));
  std::copy(quantised.h_scale.begin(), quantised.h_scale.end(), h_scale_.data());
  packed_.start = start_.data();
  packed_.h_scale = h_scale_.data();
  packed_.h_limit = quantised.h_limit;
}

void Net::pack_head(Pulse& pulse) {
  const Weights& w = *weights_;
  const std::size_t head_stride = padded(static_cast<std::size_t>(w.hidden));
  const auto outputs_count = static_cast<std::size_t>(outputs());
  head_ = AlignedFloats(outputs_count * head_stride);
  AlignedFloats columns(outputs_count);
  for (std::size_t k = 0; k < static_cast<std::size_t>(w.hidden); ++k) {
    pulse.check();
    w.wo.read_unscaled(k * outputs_count, outputs_count, columns.data());
    for (std::size_t o = 0; o < outputs_count; ++o)
      head_[static_cast<std::size_t>(kernel_row(static_cast<int>(o))) * head_stride + k] =
          columns[o];
  }
  packed_.head_stride = head_stride;
  packed_.head = head_.data();
  packed_.head_scale = w.wo.scale;
}

}  // namespace sketchrnn
