// An array as it lies in a container: little-endian numbers that are read as they are wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sketchrnn {

enum class DType { f32, f16, i16, i8 };

// Bytes of a number.
std::size_t element_size(DType dtype);

// An unsigned number of so many bytes, at most 8, that need not be aligned.
std::uint64_t little_endian(const unsigned char* p, int bytes);

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
  // All of them with the scale, in float64.
  std::vector<double> read_wide() const;
  // The bits of F16 and I16 elements.
  void read_words(std::size_t first, std::size_t n, std::uint16_t* out) const;
};

// An IEEE 754 binary16, exactly.
float half_to_float(std::uint16_t half);

}  // namespace sketchrnn
