#include "model/tensor.h"

#include <cstring>

namespace sketchrnn {

std::uint64_t little_endian(const unsigned char* p, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | p[i];
  return value;
}

std::size_t element_size(DType dtype) {
  return dtype == DType::f32 ? 4 : dtype == DType::i8 ? 1 : 2;
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & std::uint32_t{0x8000}) << 16;
  const std::uint32_t exponent = half >> 10 & std::uint32_t{0x1F};
  const std::uint32_t mantissa = half & std::uint32_t{0x3FF};
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal, exact
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t bits =
      sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void Tensor::read(std::size_t first, std::size_t n, float* out) const {
  read_unscaled(first, n, out);
  if (dtype != DType::i16) return;
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(out[i] * scale);
}

void Tensor::read_unscaled(std::size_t first, std::size_t n, float* out) const {
  const unsigned char* p = data + first * element_size(dtype);
  switch (dtype) {
    case DType::f32:
      for (std::size_t i = 0; i < n; ++i) {
        const auto bits = static_cast<std::uint32_t>(little_endian(p + 4 * i, 4));
        std::memcpy(out + i, &bits, sizeof bits);
      }
      break;
    case DType::f16:
      for (std::size_t i = 0; i < n; ++i)
        out[i] = half_to_float(static_cast<std::uint16_t>(little_endian(p + 2 * i, 2)));
      break;
    case DType::i16:
      for (std::size_t i = 0; i < n; ++i) {
        const auto q = static_cast<std::int16_t>(little_endian(p + 2 * i, 2));
        out[i] = static_cast<float>(q);
      }
      break;
    case DType::i8:
      for (std::size_t i = 0; i < n; ++i)
        out[i] = static_cast<float>(static_cast<std::int8_t>(p[i]));
      break;
  }
}

std::vector<double> Tensor::read_wide() const {
  std::vector<float> unscaled(count);
  read_unscaled(0, count, unscaled.data());
  std::vector<double> wide(unscaled.begin(), unscaled.end());
  for (double& x : wide) x *= scale;
  return wide;
}

void Tensor::read_words(std::size_t first, std::size_t n, std::uint16_t* out) const {
  const unsigned char* p = data + first * 2;
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<std::uint16_t>(little_endian(p + 2 * i, 2));
}

}  // namespace sketchrnn
