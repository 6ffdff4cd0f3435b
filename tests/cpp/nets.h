// Containers and nets made in memory, the same bits on every machine: their numbers come from
// Philox by integer arithmetic and exact multiplications.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "generator.h"
#include "isa.h"
#include "net.h"
#include "philox.h"
#include "stream.h"
#include "weights.h"

namespace nets {

using namespace sketchrnn;

struct Spec {
  int hidden = 32;
  int mixtures = 5;
  std::uint32_t seed = 1;
};

// A whole number of 2^-20 in [-1, 1) for each index: exact in float32.
inline float number(std::uint32_t seed, std::uint32_t array, std::uint32_t index) {
  const Words4 words = philox4x32_10({index, array, 0, 0}, {seed, 0});
  return static_cast<float>(static_cast<std::int32_t>(words[0]) >> 11) * 0x1p-20f;
}

inline std::string container(const Spec& spec) {
  const std::size_t h = static_cast<std::size_t>(spec.hidden);
  const std::size_t outputs = 3 + 6 * static_cast<std::size_t>(spec.mixtures);
  const char* const names[] = {"wx", "wh", "b", "wo", "bo"};
  const std::size_t sizes[] = {20 * h, 4 * h * h, 4 * h, h * outputs, outputs};
  const std::string shapes[] = {"[5," + std::to_string(4 * h) + "]",
                                "[" + std::to_string(h) + "," + std::to_string(4 * h) + "]",
                                "[" + std::to_string(4 * h) + "]",
                                "[" + std::to_string(h) + "," + std::to_string(outputs) + "]",
                                "[" + std::to_string(outputs) + "]"};
  // About 1/√H, as a power of two so that every weight stays exact.
  float recurrent = 1.0f;
  while (recurrent * recurrent * static_cast<float>(h) > 2.0f) recurrent *= 0.5f;
  std::string header =
      R"({"__metadata__":{"format":"sketchrnn","format_version":"1","name":"made",)"
      R"("scale_factor":"16","max_len":"100","start_token":"[0,0,1,0,0]"})";
  std::string data;
  for (std::uint32_t a = 0; a < 5; ++a) {
    const std::size_t first = data.size();
    for (std::size_t i = 0; i < sizes[a]; ++i) {
      float value = number(spec.seed, a, static_cast<std::uint32_t>(i));
      if (a == 1 || a == 3) value *= recurrent;
      // Pen logits such that a drawing has some fifty rows.
      if (a == 4 && i < 3) value = i == 0 ? 1.0f : i == 1 ? 0.0f : -2.0f;
      char bytes[4];
      std::memcpy(bytes, &value, 4);  // little-endian machines only, as all those that are tested
      data.append(bytes, 4);
    }
    header += std::string(",\"") + names[a] + R"(":{"dtype":"F32","shape":)" + shapes[a] +
              R"(,"data_offsets":[)" + std::to_string(first) + "," + std::to_string(data.size()) +
              "]}";
  }
  header += "}";
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return out + header + data;
}

inline std::shared_ptr<const Weights> weights(std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return weights_from_memory(*owner, owner, "made");
}

inline std::shared_ptr<const Net> net(const Spec& spec, const Kernels& kernels,
                                      Precision precision = Precision::f32) {
  return std::make_shared<const Net>(weights(container(spec)), kernels, precision);
}

constexpr Precision kAllPrecisions[] = {Precision::f32, Precision::i16, Precision::i8};
static_assert(sizeof kAllPrecisions / sizeof kAllPrecisions[0] == kPrecisions);

// Kernels that run here, "portable" first.
inline std::vector<const Kernels*> usable() {
  std::vector<const Kernels*> out;
  for (const Isa& isa : isas())
    if (isa.usable) out.push_back(isa.kernels);
  return out;
}

// A batch as the rows that were drawn.
inline std::vector<Row> rows_of(const Batch& batch) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < batch.offsets[batch.count]; ++i) {
    const float* p = batch.rows.get() + 5 * i;
    rows.push_back({p[0], p[1], p[2] == 1.0f ? Pen::down : p[3] == 1.0f ? Pen::up : Pen::end});
  }
  return rows;
}

// FNV-1a.
inline std::uint64_t hash(const void* data, std::size_t size) {
  std::uint64_t h = 0xcbf29ce484222325u;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) h = (h ^ bytes[i]) * 0x100000001b3u;
  return h;
}

}  // namespace nets
