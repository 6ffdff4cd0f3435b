// Nets in C: opening them, what they are, drawings and latent vectors.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "c_api/c_api.h"
#include "engine/draw.h"
#include "engine/latent.h"
#include "engine/open.h"
#include "model/precision.h"
#include "version.h"

struct sketchrnn_drawings {
  sketchrnn::Batch batch;
};

namespace {

using namespace sketchrnn;
using namespace sketchrnn::c_api;

std::unique_ptr<sketchrnn_net> make_net(std::shared_ptr<const Weights> weights,
                                        Precision precision) {
  const auto object = static_cast<std::uint32_t>(weights->default_object);
  return std::unique_ptr<sketchrnn_net>(
      new sketchrnn_net{processor(open_net(std::move(weights), precision)), object});
}

// The caller's options, which an older header may have made smaller than ours.
sketchrnn_draw_options options_from(const sketchrnn_draw_options* given) {
  sketchrnn_draw_options options = SKETCHRNN_DRAW_OPTIONS_INIT;
  if (given == nullptr) return options;
  constexpr std::size_t smallest = offsetof(sketchrnn_draw_options, user) + sizeof(void*);
  if (given->size < smallest)
    throw ArgumentError("options.size: expected at least " + std::to_string(smallest) +
                        " (start from SKETCHRNN_DRAW_OPTIONS_INIT), found " +
                        std::to_string(given->size));
  std::memcpy(&options, given, std::min(given->size, sizeof options));
  return options;
}

std::unique_ptr<sketchrnn_drawings> drawn(const sketchrnn_net& net, const sketchrnn_row* partial,
                                          std::size_t length, const sketchrnn_draw_options* given) {
  const sketchrnn_draw_options in = options_from(given);
  DrawOptions options;
  options.count = in.count;
  options.temperature = make_temperature(
      in.temperature,
      in.softmax_temperature < 0.0 ? std::nullopt : std::optional<double>(in.softmax_temperature));
  options.seed = in.seed;
  options.index = in.index;
  options.max_len = in.max_len;
  if (in.threads < 1 || in.threads > 4096)
    throw ArgumentError("options.threads: expected a number from 1 to 4096, found " +
                        std::to_string(in.threads));
  options.threads = in.threads;
  Progress progress;
  if (in.progress != nullptr)
    progress = [&in](std::size_t done) { return in.progress(done, in.user) == 0; };
  std::vector<Row> prefix;
  take_rows(partial, length, "partial", [&](const Row& row) { prefix.push_back(row); });
  return std::unique_ptr<sketchrnn_drawings>(
      new sketchrnn_drawings{draw(*net.device, net.conditions(in.z, in.z_count, in.seed, in.index),
                                  prefix, options, progress)});
}

}  // namespace

const char* sketchrnn_version(void) { return kVersion; }

const char* sketchrnn_status_name(sketchrnn_status status) {
  switch (status) {
    case SKETCHRNN_OK:
      return "SKETCHRNN_OK";
    case SKETCHRNN_ERROR_ARGUMENT:
      return "SKETCHRNN_ERROR_ARGUMENT";
    case SKETCHRNN_ERROR_WEIGHTS:
      return "SKETCHRNN_ERROR_WEIGHTS";
    case SKETCHRNN_ERROR_FINISHED:
      return "SKETCHRNN_ERROR_FINISHED";
    case SKETCHRNN_ERROR_CANCELLED:
      return "SKETCHRNN_ERROR_CANCELLED";
    case SKETCHRNN_ERROR_MEMORY:
      return "SKETCHRNN_ERROR_MEMORY";
    case SKETCHRNN_ERROR_INTERNAL:
      return "SKETCHRNN_ERROR_INTERNAL";
  }
  return "unknown status";
}

sketchrnn_status sketchrnn_net_open(const char* path, const char* precision, sketchrnn_net** net,
                                    sketchrnn_error* error) {
  return guarded(error, [&] {
    require(path, "path");
    require(net, "net");
    const Precision chosen = precision == nullptr ? Precision::f32 : precision_from(precision);
    *net = make_net(weights_from_file(path), chosen).release();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_net_open_memory(const void* data, size_t size, const char* precision,
                                           sketchrnn_net** net, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(data, "data");
    require(net, "net");
    const Precision chosen = precision == nullptr ? Precision::f32 : precision_from(precision);
    const std::string_view container(static_cast<const char*>(data), size);
    *net = make_net(weights_from_memory(container, nullptr, "memory"), chosen).release();
    return SKETCHRNN_OK;
  });
}

size_t sketchrnn_net_objects(const sketchrnn_net* net) {
  return net->net().weights().objects.size();
}

const char* sketchrnn_net_object(const sketchrnn_net* net, size_t i) {
  const auto& objects = net->net().weights().objects;
  return i < objects.size() ? objects[i].c_str() : nullptr;
}

sketchrnn_status sketchrnn_net_of(const sketchrnn_net* net, const char* object, sketchrnn_net** of,
                                  sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(object, "object");
    require(of, "of");
    const auto& objects = net->net().weights().objects;
    const auto found = std::find(objects.begin(), objects.end(), object);
    if (found == objects.end())
      throw ArgumentError("object: expected one of the " + std::to_string(objects.size()) +
                          " that sketchrnn_net_object() names, found \"" +
                          std::string(object).substr(0, 60) + "\"");
    *of = new sketchrnn_net{net->device, static_cast<std::uint32_t>(found - objects.begin())};
    return SKETCHRNN_OK;
  });
}

void sketchrnn_net_close(sketchrnn_net* net) { delete net; }

const char* sketchrnn_net_name(const sketchrnn_net* net) {
  const Weights& weights = net->net().weights();
  return (weights.objects.empty() ? weights.name : weights.objects[net->object]).c_str();
}

const char* sketchrnn_net_precision(const sketchrnn_net* net) {
  return name_of(net->net().precision());
}

const char* sketchrnn_net_isa(const sketchrnn_net* net) { return net->net().kernels().isa; }

int sketchrnn_net_hidden_size(const sketchrnn_net* net) { return net->net().hidden(); }

int sketchrnn_net_mixtures(const sketchrnn_net* net) { return net->net().mixtures(); }

int sketchrnn_net_outputs(const sketchrnn_net* net) { return net->net().outputs(); }

int sketchrnn_net_max_len(const sketchrnn_net* net) { return net->net().weights().max_len; }

float sketchrnn_net_scale_factor(const sketchrnn_net* net) { return net->net().scale_factor(); }

size_t sketchrnn_net_latent_size(const sketchrnn_net* net) { return net->net().latent(); }

size_t sketchrnn_net_packed_bytes(const sketchrnn_net* net) { return net->net().packed_bytes(); }

const char* sketchrnn_net_metadata(const sketchrnn_net* net, const char* key) {
  if (key == nullptr) return nullptr;
  // Compared by hand: find() would make a std::string, which may throw.
  for (const auto& [name, value] : net->net().weights().metadata)
    if (name == key) return value.c_str();
  return nullptr;
}

sketchrnn_status sketchrnn_net_draw(const sketchrnn_net* net, const sketchrnn_draw_options* options,
                                    sketchrnn_drawings** drawings, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(drawings, "drawings");
    *drawings = drawn(*net, nullptr, 0, options).release();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_net_complete(const sketchrnn_net* net, const sketchrnn_row* partial,
                                        size_t length, const sketchrnn_draw_options* options,
                                        sketchrnn_drawings** drawings, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(drawings, "drawings");
    *drawings = drawn(*net, partial, length, options).release();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_net_encode(const sketchrnn_net* net, const sketchrnn_row* rows,
                                      const size_t* lengths, size_t drawings, int threads,
                                      float* mu, float* sigma, size_t count,
                                      sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(lengths, "lengths");
    require(mu, "mu");
    const Net& own = net->net();
    const std::size_t wide = own.latent();
    if (wide == 0) throw ArgumentError("this net has no encoder");
    if (threads < 1 || threads > 4096)
      throw ArgumentError("threads: expected a number from 1 to 4096, found " +
                          std::to_string(threads));
    if (drawings > std::numeric_limits<std::size_t>::max() / wide)
      throw ArgumentError("drawings: too many");
    check_room(count, drawings * wide);
    std::vector<std::int64_t> offsets = {0};
    std::vector<Row> taken;
    for (std::size_t i = 0; i < drawings; ++i) {
      take_rows(rows == nullptr ? rows : rows + taken.size(), lengths[i], "rows",
                [&](const Row& row) { taken.push_back(row); });
      offsets.push_back(static_cast<std::int64_t>(taken.size()));
    }
    std::vector<float> unwanted(sigma == nullptr ? count : 0);
    encode(own, {taken.data(), offsets.data(), drawings}, threads, mu,
           sigma == nullptr ? unwanted.data() : sigma, {});
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_net_latent(const sketchrnn_net* net, uint64_t seed, uint64_t index,
                                      float* z, size_t count, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(z, "z");
    const Net& own = net->net();
    if (own.latent() == 0) throw ArgumentError("this net has no encoder");
    check_room(count, own.latent());
    const std::vector<float> normals = latent_normals(own.kernels(), own.latent(), seed, index);
    std::copy(normals.begin(), normals.end(), z);
    return SKETCHRNN_OK;
  });
}

size_t sketchrnn_drawings_count(const sketchrnn_drawings* drawings) {
  return drawings->batch.count;
}

const sketchrnn_row* sketchrnn_drawings_get(const sketchrnn_drawings* drawings, size_t i,
                                            size_t* length) {
  const Batch& batch = drawings->batch;
  const bool there = i < batch.count;
  if (length != nullptr)
    *length = there ? static_cast<std::size_t>(batch.offsets[i + 1] - batch.offsets[i]) : 0;
  return there ? reinterpret_cast<const sketchrnn_row*>(batch.rows.get() + 5 * batch.offsets[i])
               : nullptr;
}

void sketchrnn_drawings_free(sketchrnn_drawings* drawings) { delete drawings; }
