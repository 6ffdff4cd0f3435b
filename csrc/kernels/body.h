// The one body behind every kernel table: LSTM step, head, choice of component, placement.
//
// Included inside the anonymous namespace of each ISA file, after its vector type V (vector.h says
// what that must have). The hot loop of the whole library is the k loop in sum_block.

#include "functions.h"
// after it
#include "cell.h"
#include "mixture.h"

constexpr int kPanel = V::kGateVecs * V::kWidth;
constexpr int kVecs = kGates * V::kGateVecs;
constexpr int kRowFloats = kGates * kPanel;  // weights of one k for one panel

// Sketches whose sums are kept side by side while a block of weights stays in L1 (16 KiB where a
// panel has 16 units).
constexpr int kChunk = 48;

// c' from the gate sums of a vector of units; leaves 1 + Eo where the sum of gate o stood.
inline void update_cell(float* sums, float* c) {
  const auto sum = [&](int gate) { return V::load(sums + gate * kPanel); };
  V::store(c, new_cell(sum(0), sum(1), sum(2), V::load(c)));
  V::store(sums + 3 * kPanel, output_denominator(sum(3)));
}

// h' from c' and 1 + Eo.
inline void update_hidden(const float* sums, const float* c, float* h) {
  V::store(h, new_hidden(V::load(sums + 3 * kPanel), V::load(c)));
}

// The input's part of a panel's gate sums: bias with the pen's weights, then dx, then dy.
struct TotalsStart {
  const float* bias;
  const float* wx;
  F dx, dy;

  TotalsStart(const Packed& net, size_t panel, const Input& input)
      : bias(input.bias + (panel * kBiasRows + static_cast<size_t>(input.pen)) * kRowFloats),
        wx(net.offsets + panel * kOffsetRows * kRowFloats),
        dx(V::set1(input.dx)),
        dy(V::set1(input.dy)) {}

  // The vector of columns [at, at + kWidth).
  F at(int column) const {
    const F with_x = V::fma(dx, V::load(wx + column), V::load(bias + column));
    return V::fma(dy, V::load(wx + kRowFloats + column), with_x);
  }
};

// The next panel's weights, fetched into L2 a slice at a time while the sums of this one keep the
// arithmetic busy; without it every panel's first group waits for L3 (4% at 48 sketches).
struct Ahead {
  const char* at;
  size_t slice;  // bytes a group, a multiple of the line

  void fetch() {
    for (const char* end = at + slice; at < end; at += 64) V::prefetch_l2(at);
  }
};

// What an element takes off the sums of one sketch and block, the same off each: nothing here.
struct Nothing {
  static F meet(F h) { return h; }
  template <class Sum>
  static Sum off(Sum sum) {
    return sum;
  }
};

// How each precision multiplies one word of h with a vector of weight words, and how a block's sum
// goes into the total.
struct ElementF32 {
  using Shared = Nothing;
  using Word = float;
  using Sum = F;
  static F load(const Word* p) { return V::load(p); }
  static const int32_t* start_of(const Packed&, size_t) { return nullptr; }
  static Sum start(const int32_t*, int) { return V::set1(0.0f); }
  static Sum dot(Sum sum, F weights, F h) { return V::fma(h, weights, sum); }
  static F to_float(Sum sum) { return sum; }
};

// Narrow weights are for few streams, which wait for memory; in a large batch widening them again
// for every group would cost arithmetic.
struct ElementF32FromI16 : ElementF32 {
  using Word = int16_t;
  static F load(const Word* p) { return V::load_i16(p); }
};

struct ElementF32FromF16 : ElementF32 {
  using Word = uint16_t;
  static F load(const Word* p) { return V::load_f16(p); }
};

struct ElementF32FromI8 : ElementF32 {
  using Word = int8_t;
  static F load(const Word* p) { return V::load_i8(p); }
};

struct ElementInteger {
  using Shared = Nothing;
  using Word = float;
  using Sum = I;
  static F load(const Word* p) { return V::load(p); }
  static const int32_t* start_of(const Packed&, size_t) { return nullptr; }
  static F to_float(Sum sum) { return V::to_float(sum); }
};

struct ElementI16 : ElementInteger {
  static Sum start(const int32_t*, int) { return V::set1_int(0); }
  static Sum dot(Sum sum, F weights, F h) {
    return V::dot_i16(sum, V::as_int(weights), V::as_int(h));
  }
};

struct ElementI8 : ElementInteger {
  static const int32_t* start_of(const Packed& net, size_t block) {
    return net.start + block * kRowFloats;
  }
  // −128 times the sum of the weights, where h comes with 128 added.
  static Sum start(const int32_t* correction, int at) {
    return V::kSignedH ? V::set1_int(0) : V::load_int(correction + at);
  }
  static Sum dot(Sum sum, F weights, F h) {
    return V::dot_i8(sum, V::as_int(weights), V::as_int(h));
  }
};

// What the sums of one panel and block are made from, the same for all its sketches.
template <class Word>
struct Block {
  const Word* weights;  // [count][kRowFloats]
  int count;
  const float* scale;    // [kRowFloats]
  const int32_t* start;  // [kRowFloats]; i8
};

// One block of words for `Streams` sketches: their kVecs sums each live in registers.
template <class Element, int Streams>
inline void sum_block(const Block<typename Element::Word>& block, const float* __restrict h,
                      size_t stride, float* totals) {
  typename Element::Sum sum[Streams][kVecs];
  typename Element::Shared shared[Streams];
  for (int s = 0; s < Streams; ++s)
    for (int v = 0; v < kVecs; ++v) sum[s][v] = Element::start(block.start, v * V::kWidth);
  const auto* __restrict weights = block.weights;
  const int count = block.count;
#pragma GCC unroll 4
  for (int k = 0; k < count; ++k) {
    const auto* row = weights + k * kRowFloats;
    F broadcast[Streams];
    for (int s = 0; s < Streams; ++s) broadcast[s] = shared[s].meet(V::set1(h[s * stride + k]));
    for (int v = 0; v < kVecs; ++v) {
      F w = Element::load(row + v * V::kWidth);
      if (Streams > 1) V::keep_in_register(w);
      for (int s = 0; s < Streams; ++s) sum[s][v] = Element::dot(sum[s][v], w, broadcast[s]);
    }
  }
  for (int s = 0; s < Streams; ++s) {
    for (int v = 0; v < kVecs; ++v) {
      float* total = totals + s * kRowFloats + v * V::kWidth;
      const F scale = V::load(block.scale + v * V::kWidth);
      const auto whole = shared[s].off(sum[s][v]);
      V::store(total, V::fma(Element::to_float(whole), scale, V::load(total)));
    }
  }
}

// One block for n sketches: the largest groups first, then what remains.
template <class Element, int Streams>
inline void sum_blocks(const Block<typename Element::Word>& block, int n, const float* h,
                       size_t stride, float* totals, Ahead& ahead) {
  for (; n >= Streams; n -= Streams) {
    ahead.fetch();
    sum_block<Element, Streams>(block, h, stride, totals);
    h += Streams * stride;
    totals += Streams * kRowFloats;
  }
  if constexpr (Streams > 1) {
    if (n > 0) sum_blocks<Element, Streams - 1>(block, n, h, stride, totals, ahead);
  }
}

// One block for n sketches, as an instruction set may do it in a way of its own for an element of
// its own (see avx512amx.cpp).
template <class Element>
inline void sum_sketches(Element, const Block<typename Element::Word>& block, int n, const float* h,
                         size_t stride, float* totals, Ahead& ahead) {
  sum_blocks<Element, V::kStreams>(block, n, h, stride, totals, ahead);
}

// h as the integers q of the precision, `stride` words a row.
inline void round_hidden(const Packed& net, int n, const float* h, size_t stride, float* rounded) {
  const bool bytes = net.precision == Precision::i8;
  for (int s = 0; s < n; ++s) {
    const float* row = h + s * stride;
    float* words = rounded + s * stride;
    for (int k = 0; k < net.hidden; k += V::kWidth) {
      const I q = rounded_integer(V::load(row + k), V::load(net.h_scale + k), net.h_limit);
      if (bytes)
        V::store_i8(reinterpret_cast<uint8_t*>(words) + k,
                    V::kSignedH ? q : V::add_int(q, V::set1_int(128)));
      else
        V::store_i16(reinterpret_cast<int16_t*>(words) + k, q);
    }
  }
}

template <class Element>
inline void step_panels(const Packed& net, int first_panel, int last_panel, bool backwards, int n,
                        const Input* input, const float* h_words, float* c, float* h_out,
                        size_t stride) {
  using Word = typename Element::Word;
  alignas(64) float totals[kChunk * kRowFloats];
  const size_t panel_words = static_cast<size_t>(net.words) * kRowFloats;
  const size_t blocks = static_cast<size_t>((net.words + kBlock - 1) / kBlock);
  const size_t groups = static_cast<size_t>((n + V::kStreams - 1) / V::kStreams);
  const size_t slice = (panel_words * sizeof(Word) / (groups * blocks) + 63) / 64 * 64;
  for (int i = 0; i < last_panel - first_panel; ++i) {
    const int p = backwards ? last_panel - 1 - i : first_panel + i;
    const Word* weights = static_cast<const Word*>(net.recurrent) + p * panel_words;
    const float* scale = net.scale + static_cast<size_t>(p) * kRowFloats;
    const size_t unit = static_cast<size_t>(p) * kPanel;
    // With one group there is nothing to hide the fetching behind.
    const bool hidden_behind = groups > 1 && p + 1 < net.panels;
    Ahead ahead{reinterpret_cast<const char*>(weights + panel_words), hidden_behind ? slice : 0};
    for (int first = 0; first < n; first += kChunk) {
      const int lanes = n - first < kChunk ? n - first : kChunk;
      const float* h = h_words + first * stride;
      for (int s = 0; s < lanes; ++s) {
        const TotalsStart start(net, static_cast<size_t>(p), input[first + s]);
        for (int v = 0; v < kRowFloats; v += V::kWidth)
          V::store(totals + s * kRowFloats + v, start.at(v));
      }
      for (int k = 0; k < net.words; k += kBlock) {
        const int count = net.words - k < kBlock ? net.words - k : kBlock;
        const Block<Word> block{weights + static_cast<size_t>(k) * kRowFloats, count, scale,
                                Element::start_of(net, p * blocks + k / kBlock)};
        sum_sketches(Element{}, block, lanes, h + k, stride, totals, ahead);
      }
      // In two passes: within one sketch the second division waits for the first, across sketches
      // they overlap.
      float* const cells = c + first * stride + unit;
      for (int s = 0; s < lanes; ++s)
        for (int v = 0; v < kPanel; v += V::kWidth)
          update_cell(totals + s * kRowFloats + v, cells + s * stride + v);
      for (int s = 0; s < lanes; ++s)
        for (int v = 0; v < kPanel; v += V::kWidth)
          update_hidden(totals + s * kRowFloats + v, cells + s * stride + v,
                        h_out + (first + s) * stride + unit + v);
    }
  }
}

// As<Element> is the element that stands for one of f32's: itself, or what an instruction set with a
// sum_sketches of its own makes of it (wasm.cpp). I8 stands for that of i8 in the same way.
template <template <class> class As, class I8 = ElementI8>
inline void step_as(const Packed& net, int first_panel, int last_panel, bool backwards, int n,
                    const Input* input, const float* h_in, float* c, float* h_out, size_t stride,
                    float* rounded) {
  const auto run = [&](auto element, const float* h) {
    step_panels<decltype(element)>(net, first_panel, last_panel, backwards, n, input, h, c, h_out,
                                   stride);
  };
  if (net.precision == Precision::f32) {
    if (net.storage == Storage::i16) return run(As<ElementF32FromI16>{}, h_in);
    if (net.storage == Storage::f16) return run(As<ElementF32FromF16>{}, h_in);
    if (net.storage == Storage::i8) return run(As<ElementF32FromI8>{}, h_in);
    return run(As<ElementF32>{}, h_in);
  }
  round_hidden(net, n, h_in, stride, rounded);
  if (net.precision == Precision::i16) return run(ElementI16{}, rounded);
  run(I8{}, rounded);
}

template <class Element>
using Itself = Element;

[[maybe_unused]] void step(const Packed& net, int first_panel, int last_panel, bool backwards,
                           int n, const Input* input, const float* h_in, float* c, float* h_out,
                           size_t stride, float* rounded) {
  step_as<Itself>(net, first_panel, last_panel, backwards, n, input, h_in, c, h_out, stride,
                  rounded);
}

// The partial sums of a dot product as vectors, and how they are added: sum l and sum l + n/2,
// until sixteen are left, which V adds in the same manner.
constexpr int kDotVecs = kDotSums / V::kWidth;
constexpr int kLastVecs = kMaxWidth / V::kWidth;

inline float add_sums(F (&sum)[kDotVecs]) {
  for (int n = kDotVecs / 2; n >= kLastVecs; n /= 2)
    for (int v = 0; v < n; ++v) sum[v] = V::add(sum[v], sum[v + n]);
  F last[kLastVecs];
  for (int v = 0; v < kLastVecs; ++v) last[v] = sum[v];
  return V::sum_lanes(last);
}

template <int Rows, int Streams>
inline void head_block(const Packed& net, int first, const double* const* bias,
                       const float* __restrict h, size_t stride, float* out, size_t out_stride) {
  const size_t length = net.head_stride;
  const float* __restrict weights = net.head + static_cast<size_t>(first) * length;
  F sum[Rows][Streams][kDotVecs];
  for (int r = 0; r < Rows; ++r)
    for (int s = 0; s < Streams; ++s)
      for (int v = 0; v < kDotVecs; ++v) sum[r][s][v] = V::set1(0.0f);
  for (size_t k = 0; k < length; k += kDotSums) {
    for (int v = 0; v < kDotVecs; ++v) {
      F w[Rows];
      for (int r = 0; r < Rows; ++r) w[r] = V::load(weights + r * length + k + v * V::kWidth);
      for (int s = 0; s < Streams; ++s) {
        const F x = V::load(h + s * stride + k + v * V::kWidth);
        for (int r = 0; r < Rows; ++r) sum[r][s][v] = V::fma(x, w[r], sum[r][s][v]);
      }
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int s = 0; s < Streams; ++s)
      out[r * out_stride + s] = static_cast<float>(
          bias[s][first + r] + net.head_scale * static_cast<double>(add_sums(sum[r][s])));
}

template <int Rows>
inline void head_rows(const Packed& net, int first, int n, const double* const* bias,
                      const float* h, size_t stride, float* out, size_t out_stride) {
  int s = 0;
  for (; s + V::kHeadStreams <= n; s += V::kHeadStreams)
    head_block<Rows, V::kHeadStreams>(net, first, bias + s, h + s * stride, stride, out + s,
                                      out_stride);
  for (; s < n; ++s)
    head_block<Rows, 1>(net, first, bias + s, h + s * stride, stride, out + s, out_stride);
}

// So many sketches meet one row after the other: their h, 24 KiB with 512 units, stays in L1.
constexpr int kHeadTogether = 12;

void head(const Packed& net, int first, int count, int n, const double* const* bias, const float* h,
          size_t stride, float* out, size_t out_stride) {
  for (int s = 0; s < n; s += kHeadTogether) {
    const int together = n - s < kHeadTogether ? n - s : kHeadTogether;
    int r = 0;
    for (; r + V::kHeadRows <= count; r += V::kHeadRows)
      head_rows<V::kHeadRows>(net, first + r, together, bias + s, h + s * stride, stride,
                              out + r * out_stride + s, out_stride);
    for (; r < count; ++r)
      head_rows<1>(net, first + r, together, bias + s, h + s * stride, stride,
                   out + r * out_stride + s, out_stride);
  }
}

void choose(const float* logits, size_t stride, int n, int mixtures, Temperature temperature,
            const float* uniform_component, const float* uniform_pen, int32_t* component,
            int32_t* pen) {
  for (int s = 0; s < n; s += V::kWidth) {
    V::store_int(pen + s, choose_category(logits + s, stride, kPenStates, temperature,
                                          V::load(uniform_pen + s)));
    V::store_int(component + s, choose_category(logits + kPenStates * stride + s, stride, mixtures,
                                                temperature, V::load(uniform_component + s)));
  }
}

void place(const float* params, size_t stride, int n, Temperature temperature, const float* radius,
           const float* angle, float* dx, float* dy) {
  for (int s = 0; s < n; s += V::kWidth) {
    const Offset point =
        place_point(params + s, stride, temperature, V::load(radius + s), V::load(angle + s));
    V::store(dx + s, point.dx);
    V::store(dy + s, point.dy);
  }
}
