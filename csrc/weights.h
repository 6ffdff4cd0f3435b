// A net's weights as they stand in a safetensors container: five arrays and the metadata.
//
//   wx (5, 4H)  wh (H, 4H)  b (4H)  wo (H, 3 + 6M)  bo (3 + 6M)     dtype F32, F16 or I16
//
// or wh in I8 with its scales:
//
//   wh.column_scale (4H)     F32; wh = q · column_scale[column]
//   h.scale (H)              only if quantised for the precision i8, in which alone such weights
//                            run; F32; wh = q · column_scale[column] · h.scale[row]
//
// Columns of wx, wh and b are the gates i, j, f, o; b is without the forget gate's +1. Columns of
// wo and bo are pen logits (3), then M each of π logits, μx, μy, log σx, log σy, atanh ρ. An I16
// array q stands for q · scale, with the scale under "<array>.scale" in the metadata.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sketchrnn {

class MappedFile;

enum class DType { f32, f16, i16, i8 };

struct Tensor {
  DType dtype = DType::f32;
  std::vector<std::size_t> shape;
  const unsigned char* data = nullptr;  // little-endian, not necessarily aligned
  std::size_t count = 0;
  double scale = 1.0;  // I16 only

  // Elements [first, first + n) as float32.
  void read(std::size_t first, std::size_t n, float* out) const;
  // The same without the scale: exact, also for I16.
  void read_unscaled(std::size_t first, std::size_t n, float* out) const;
  // The bits of F16 and I16 elements.
  void read_words(std::size_t first, std::size_t n, std::uint16_t* out) const;
};

// An IEEE 754 binary16, exactly.
float half_to_float(std::uint16_t half);

struct Weights {
  Tensor wx, wh, b, wo, bo;
  Tensor column_scale;  // empty unless wh is I8
  Tensor h_scale;       // empty unless quantised()
  int hidden = 0;
  int mixtures = 0;
  std::string name;
  float scale_factor = 1.0f;
  int max_len = 0;
  std::array<float, 5> start_token{};
  std::map<std::string, std::string> metadata;
  std::string_view container;         // the whole file
  std::shared_ptr<const void> owner;  // keeps `container` alive, or:
  std::shared_ptr<const MappedFile> file;

  // Whether wh is integers for integers of h, good for Precision::i8 only.
  bool quantised() const { return h_scale.count != 0; }
  // What each of the 4H columns of wh's numbers as stored is to be multiplied with.
  std::vector<double> recurrent_scales() const;

  // To be called before `container` or a tensor is read again later. Throws WeightsError if the
  // file behind them has been written to since: its numbers would be others, or no longer there
  // (SIGBUS).
  void check_unchanged() const;
};

// Both check every field against the real length before anything is allocated for it, and throw
// WeightsError. `what` names the source in messages.
std::shared_ptr<const Weights> weights_from_file(const std::string& path);
std::shared_ptr<const Weights> weights_from_memory(std::string_view container,
                                                   std::shared_ptr<const void> owner,
                                                   const std::string& what);

}  // namespace sketchrnn
