// The C interface (include/sketchrnn/sketchrnn.h) over the core's classes.
//
// Every function that can fail runs inside guarded(), which turns whatever is thrown into a status
// and a message. The calls that promise not to allocate look for the expected failures themselves,
// before anything can throw.
#include "sketchrnn/sketchrnn.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/draw.h"
#include "engine/latent.h"
#include "engine/open.h"
#include "engine/stream.h"
#include "error.h"
#include "model/precision.h"
#include "version.h"

#if defined(__GLIBCXX__) && !defined(SKETCHRNN_NO_THREADS)
#define SKETCHRNN_FORCED_UNWIND 1
#include <cxxabi.h>
#endif

// A net, and which of its objects it draws.
struct sketchrnn_net {
  std::shared_ptr<const sketchrnn::Device> device;
  std::uint32_t object;

  const sketchrnn::Net& net() const { return *device->net(); }
  // `z` of `count` numbers, NULL for a latent vector by (seed, index).
  sketchrnn::Conditions conditions(const float* z, std::size_t count, std::uint64_t seed,
                                   std::uint64_t index) const {
    const bool given = z != nullptr;
    if (!given && count != 0) throw sketchrnn::ArgumentError("z: must not be NULL");
    if (given && count == 0) throw sketchrnn::ArgumentError("z: expected numbers, found none");
    if (given || net().latent() != 0)
      return sketchrnn::Conditions(
          device->net(), sketchrnn::Latents{std::vector<float>(z, z + count), seed, index});
    const bool several = !net().weights().objects.empty();
    return sketchrnn::Conditions(
        device->net(), several ? std::vector<std::uint32_t>{object} : std::vector<std::uint32_t>{});
  }
};

struct sketchrnn_state {
  sketchrnn::Stream stream;
  std::vector<float> z;  // room for predict(), which may not allocate
};

struct sketchrnn_drawings {
  sketchrnn::Batch batch;
};

static_assert(sizeof(sketchrnn_row) == 5 * sizeof(float), "a row is five floats, as in Batch");

namespace {

using namespace sketchrnn;

sketchrnn_status fail(sketchrnn_status status, const char* message, sketchrnn_error* error) {
  if (error != nullptr) {
    std::size_t n = std::min(std::strlen(message), sizeof error->message - 1);
    // A cut may not leave half a character.
    if (message[n] != '\0')
      while (n > 0 && (static_cast<unsigned char>(message[n]) & 0xC0u) == 0x80u) --n;
    std::memcpy(error->message, message, n);
    error->message[n] = '\0';
  }
  return status;
}

template <class Work>
sketchrnn_status guarded(sketchrnn_error* error, Work work) {
  try {
    return work();
#if defined(SKETCHRNN_FORCED_UNWIND)
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_exit in a progress function, or pthread_cancel: the thread ends
#endif
  } catch (const WeightsError& e) {
    return fail(SKETCHRNN_ERROR_WEIGHTS, e.what(), error);
  } catch (const ArgumentError& e) {
    return fail(SKETCHRNN_ERROR_ARGUMENT, e.what(), error);
  } catch (const Cancelled& e) {
    return fail(SKETCHRNN_ERROR_CANCELLED, e.what(), error);
  } catch (const MemoryError& e) {
    return fail(SKETCHRNN_ERROR_MEMORY, e.what(), error);
  } catch (const std::bad_alloc&) {
    return fail(SKETCHRNN_ERROR_MEMORY, "out of memory", error);
  } catch (const std::exception& e) {
    return fail(SKETCHRNN_ERROR_INTERNAL, e.what(), error);
  } catch (...) {
    return fail(SKETCHRNN_ERROR_INTERNAL, "unknown exception", error);
  }
}

template <class T>
void require(const T* pointer, const char* name) {
  if (pointer == nullptr) throw ArgumentError(std::string(name) + ": must not be NULL");
}

std::unique_ptr<sketchrnn_net> make_net(std::shared_ptr<const Weights> weights,
                                        Precision precision) {
  const auto object = static_cast<std::uint32_t>(weights->default_object);
  return std::unique_ptr<sketchrnn_net>(
      new sketchrnn_net{processor(open_net(std::move(weights), precision)), object});
}

// take(row) for every row; throws ArgumentError for the first that is not stroke-5.
template <class Take>
void take_rows(const sketchrnn_row* rows, std::size_t count, const char* name, const Take& take) {
  if (count == 0) return;
  require(rows, name);
  const auto place = [&](std::size_t i) {
    return std::string(name) + ": row " + std::to_string(i);
  };
  for_each_row(&rows->dx, count, place, take);
}

void check_room(std::size_t count, std::size_t expected) {
  if (count != expected)
    throw ArgumentError("count: expected " + std::to_string(expected) + ", found " +
                        std::to_string(count));
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

void softmax(double* x, int n) {
  const double top = *std::max_element(x, x + n);
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (int i = 0; i < n; ++i) x[i] /= sum;
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

sketchrnn_status sketchrnn_state_create(const sketchrnn_net* net, uint64_t seed, uint64_t index,
                                        sketchrnn_state** state, sketchrnn_error* error) {
  return sketchrnn_state_create_latent(net, nullptr, 0, seed, index, state, error);
}

sketchrnn_status sketchrnn_state_create_latent(const sketchrnn_net* net, const float* z,
                                               size_t count, uint64_t seed, uint64_t index,
                                               sketchrnn_state** state, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(state, "state");
    const Conditions conditions = net->conditions(z, count, seed, index);
    conditions.check_count(1);
    std::unique_ptr<sketchrnn_state> made(
        new sketchrnn_state{Stream(net->device->net(), conditions.at(0), seed, index),
                            std::vector<float>(static_cast<std::size_t>(net->net().outputs()))});
    if (z == nullptr && net->net().latent() != 0) made->stream.keep_latent();
    *state = made.release();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_copy(const sketchrnn_state* state, sketchrnn_state** copy,
                                      sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    require(copy, "copy");
    *copy = new sketchrnn_state(*state);
    return SKETCHRNN_OK;
  });
}

void sketchrnn_state_free(sketchrnn_state* state) { delete state; }

void sketchrnn_state_reset(sketchrnn_state* state, uint64_t seed, uint64_t index) {
  // Where another latent vector belongs to it and cannot be made, the state stays as it is.
  guarded(nullptr, [&] {
    state->stream.reseed(seed, index);
    state->stream.reset();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_feed(sketchrnn_state* state, const sketchrnn_row* rows,
                                      size_t count, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    take_rows(rows, count, "rows", [](const Row&) {});
    take_rows(rows, count, "rows", [&](const Row& row) { state->stream.feed(&row, 1); });
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_step(sketchrnn_state* state, double temperature,
                                      sketchrnn_row* row, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    require(row, "row");
    // The usual end of a drawing is no exception.
    if (state->stream.finished())
      return fail(SKETCHRNN_ERROR_FINISHED, "step: the drawing has ended (p3); reset the state",
                  error);
    const Row drawn = state->stream.step(make_temperature(temperature));
    write_row(&row->dx, drawn);
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_predict_raw(sketchrnn_state* state, float* z, size_t count,
                                             sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    require(z, "z");
    check_room(count, static_cast<std::size_t>(state->stream.net().outputs()));
    state->stream.predict(z);
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_predict(sketchrnn_state* state, double* parameters, size_t count,
                                         sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    require(parameters, "parameters");
    const Net& net = state->stream.net();
    check_room(count, static_cast<std::size_t>(net.outputs()));
    state->stream.predict(state->z.data());
    std::copy(state->z.begin(), state->z.end(), parameters);
    const int m = net.mixtures();
    const double scale = net.scale_factor();
    double* const pi = parameters + kPenStates;
    double* const mu = pi + m;
    double* const sigma = mu + 2 * m;
    double* const rho = sigma + 2 * m;
    softmax(parameters, kPenStates);
    softmax(pi, m);
    for (int i = 0; i < 2 * m; ++i) mu[i] *= scale;
    for (int i = 0; i < 2 * m; ++i) sigma[i] = std::exp(sigma[i]) * scale;
    for (int i = 0; i < m; ++i) rho[i] = std::tanh(rho[i]);
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_hidden(sketchrnn_state* state, float* h, float* c, size_t count,
                                        sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    require(h, "h");
    require(c, "c");
    check_room(count, static_cast<std::size_t>(state->stream.net().hidden()));
    state->stream.hidden_state(h, c);
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_state_set_hidden(sketchrnn_state* state, const float* h, const float* c,
                                            size_t count, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    require(h, "h");
    require(c, "c");
    check_room(count, static_cast<std::size_t>(state->stream.net().hidden()));
    const auto check = [&](const float* numbers, const char* name) {
      for (std::size_t i = 0; i < count; ++i)
        if (!std::isfinite(numbers[i]))
          throw ArgumentError(std::string(name) + ": number " + std::to_string(i) +
                              " must be finite, found " + std::to_string(numbers[i]));
    };
    check(h, "h");
    check(c, "c");
    state->stream.set_hidden_state(h, c);
    return SKETCHRNN_OK;
  });
}

uint64_t sketchrnn_state_position(const sketchrnn_state* state) { return state->stream.position(); }

int sketchrnn_state_finished(const sketchrnn_state* state) { return state->stream.finished(); }

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
