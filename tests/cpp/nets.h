// Containers and nets made in memory, the same bits on every machine: their numbers come from
// Philox by integer arithmetic and exact multiplications.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/draw.h"
#include "engine/open.h"
#include "engine/philox.h"
#include "engine/stream.h"

namespace nets {

using namespace sketchrnn;

struct Spec {
  int hidden = 32;
  int mixtures = 5;
  std::uint32_t seed = 1;
  int objects = 0;  // of a net that is told which of several to draw
  int latent = 0;   // N_z of a net with an encoder of as many units
};

// A whole number of 2^-20 in [-1, 1) for each index: exact in float32.
inline float number(std::uint32_t seed, std::uint32_t array, std::uint32_t index) {
  const Words4 words = philox4x32_10({index, array, 0, 0}, {seed, 0});
  return static_cast<float>(static_cast<std::int32_t>(words[0]) >> 11) * 0x1p-20f;
}

inline std::string container(const Spec& spec) {
  const std::size_t h = static_cast<std::size_t>(spec.hidden);
  const std::size_t outputs = 3 + 6 * static_cast<std::size_t>(spec.mixtures);
  struct Array {
    const char* name;
    std::size_t rows, columns;  // rows 0: a vector
  };
  std::vector<Array> arrays = {
      {"wx", 5, 4 * h}, {"wh", h, 4 * h}, {"b", 0, 4 * h}, {"wo", h, outputs}, {"bo", 0, outputs}};
  if (spec.latent > 0) {
    const auto n = static_cast<std::size_t>(spec.latent);
    arrays[0].rows = 5 + n;
    for (const auto& [wx, wh, b] :
         {std::array{"fw.wx", "fw.wh", "fw.b"}, {"bw.wx", "bw.wh", "bw.b"}})
      arrays.insert(arrays.end(), {{wx, 5, 4 * n}, {wh, n, 4 * n}, {b, 0, 4 * n}});
    arrays.insert(arrays.end(), {{"mu.w", 2 * n, n},
                                 {"mu.b", 0, n},
                                 {"sigma.w", 2 * n, n},
                                 {"sigma.b", 0, n},
                                 {"z.w", n, 2 * h},
                                 {"z.b", 0, 2 * h}});
  }
  // About 1/√H, as a power of two so that every weight stays exact.
  float recurrent = 1.0f;
  while (recurrent * recurrent * static_cast<float>(h) > 2.0f) recurrent *= 0.5f;
  std::string header =
      R"({"__metadata__":{"format":"sketchrnn","format_version":"1","name":"made",)"
      R"("scale_factor":"16","max_len":"100","start_token":"[0,0,1,0,0]")";
  if (spec.objects > 0) {
    constexpr std::size_t embedded = 3;
    arrays.insert(arrays.end(), {{"embed", static_cast<std::size_t>(spec.objects), embedded},
                                 {"to_b", embedded, 4 * h},
                                 {"to_bo", embedded, outputs}});
    header += R"(,"objects":"[)";
    for (int i = 0; i < spec.objects; ++i)
      header += (i == 0 ? "" : ",") + (R"(\"object )" + std::to_string(i)) + R"(\")";
    header += R"(]")";
  }
  header += "}";
  std::string data;
  for (std::uint32_t a = 0; a < arrays.size(); ++a) {
    const Array& array = arrays[a];
    const std::size_t first = data.size();
    for (std::size_t i = 0; i < std::max<std::size_t>(1, array.rows) * array.columns; ++i) {
      float value = number(spec.seed, a, static_cast<std::uint32_t>(i));
      if (a == 1 || a == 3) value *= recurrent;
      // Pen logits such that a drawing has some fifty rows.
      if (a == 4 && i < 3) value = i == 0 ? 1.0f : i == 1 ? 0.0f : -2.0f;
      char bytes[4];
      std::memcpy(bytes, &value, 4);  // little-endian machines only, as all those that are tested
      data.append(bytes, 4);
    }
    header += std::string(",\"") + array.name + R"(":{"dtype":"F32","shape":[)" +
              (array.rows == 0 ? "" : std::to_string(array.rows) + ",") +
              std::to_string(array.columns) + R"(],"data_offsets":[)" + std::to_string(first) +
              "," + std::to_string(data.size()) + "]}";
  }
  header += "}";
  std::string out;
  for (int i = 0; i < 8; ++i)
    out += static_cast<char>(std::uint64_t{header.size()} >> (8 * i) & 0xFF);
  return out + header + data;
}

inline std::shared_ptr<const Weights> weights(std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return weights_from_memory(*owner, owner, "made");
}

inline std::shared_ptr<const Net> net(const Spec& spec, const Kernels& kernels,
                                      Precision precision = Precision::f32) {
  return open_net(weights(container(spec)), precision, {}, kernels);
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

// Drawings of the net's own condition on the processor.
inline Batch draw(const std::shared_ptr<const Net>& net, const DrawOptions& options,
                  const Progress& progress = {}) {
  return sketchrnn::draw(*processor(net), Conditions(net), {}, options, progress);
}

inline Stream stream(const std::shared_ptr<const Net>& net, std::uint64_t seed,
                     std::uint64_t index = 0, int threads = 1) {
  return Stream(net, net->condition(), seed, index, threads);
}

// A batch as the rows that were drawn.
inline std::vector<Row> rows_of(const Batch& batch) {
  return read_rows(batch.rows.get(), static_cast<std::size_t>(batch.offsets[batch.count]),
                   [](std::size_t i) { return std::to_string(i); });
}

// FNV-1a.
inline std::uint64_t hash(const void* data, std::size_t size) {
  std::uint64_t h = 0xcbf29ce484222325u;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) h = (h ^ bytes[i]) * 0x100000001b3u;
  return h;
}

}  // namespace nets
