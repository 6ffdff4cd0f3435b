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

#include "error.h"
#include "generator.h"
#include "isa.h"
#include "net.h"
#include "stream.h"
#include "temperature.h"
#include "weights.h"

struct sketchrnn_net {
  std::shared_ptr<const sketchrnn::Net> net;
};

struct sketchrnn_state {
  sketchrnn::Stream stream;
  std::vector<float> z;  // room for predict(), which may not allocate
};

struct sketchrnn_drawings {
  sketchrnn::Batch batch;
};

static_assert(sizeof(sketchrnn_row) == 5 * sizeof(float), "a row is five floats, as in Batch");

#define SKETCHRNN_STRING_(x) #x
#define SKETCHRNN_STRING(x) SKETCHRNN_STRING_(x)

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
sketchrnn_status guarded(sketchrnn_error* error, Work work) noexcept {
  try {
    return work();
  } catch (const WeightsError& e) {
    return fail(SKETCHRNN_ERROR_WEIGHTS, e.what(), error);
  } catch (const ArgumentError& e) {
    return fail(SKETCHRNN_ERROR_ARGUMENT, e.what(), error);
  } catch (const Cancelled& e) {
    return fail(SKETCHRNN_ERROR_CANCELLED, e.what(), error);
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

constexpr const char* kPrecisionNames[kPrecisions] = {"f32", "i16", "i8"};

Precision precision_from(const char* name) {
  if (name == nullptr) return Precision::f32;
  for (int i = 0; i < kPrecisions; ++i)
    if (std::strcmp(name, kPrecisionNames[i]) == 0) return static_cast<Precision>(i);
  throw ArgumentError("precision: expected \"f32\", \"i16\" or \"i8\", found \"" +
                      std::string(name).substr(0, 40) + "\"");
}

// The one place that knows how a net of some precision is made.
std::unique_ptr<sketchrnn_net> make_net(std::shared_ptr<const Weights> weights,
                                        Precision precision) {
  auto net = std::make_shared<const Net>(std::move(weights), choose_kernels(), precision);
  return std::unique_ptr<sketchrnn_net>(new sketchrnn_net{std::move(net)});
}

// The pen state of a stroke-5 row, or what is wrong with it.
const char* read_row(const sketchrnn_row& in, Row& out) {
  if (!std::isfinite(in.dx) || !std::isfinite(in.dy)) return "offsets must be finite";
  const float pen[kPenStates] = {in.p1, in.p2, in.p3};
  int ones = 0;
  for (int k = 0; k < kPenStates; ++k) {
    if (pen[k] == 1.0f) {
      out.pen = static_cast<Pen>(k);
      ++ones;
    } else if (pen[k] != 0.0f) {
      return "pen states must be one 1 and two 0";
    }
  }
  out.dx = in.dx;
  out.dy = in.dy;
  return ones == 1 ? nullptr : "pen states must be one 1 and two 0";
}

// Throws ArgumentError for the first row that is not stroke-5.
void check_rows(const sketchrnn_row* rows, std::size_t count, const char* name) {
  if (count != 0) require(rows, name);
  Row row{};
  for (std::size_t i = 0; i < count; ++i)
    if (const char* wrong = read_row(rows[i], row))
      throw ArgumentError(std::string(name) + ": row " + std::to_string(i) + ": " + wrong +
                          ", found (" + std::to_string(rows[i].dx) + ", " +
                          std::to_string(rows[i].dy) + ", " + std::to_string(rows[i].p1) + ", " +
                          std::to_string(rows[i].p2) + ", " + std::to_string(rows[i].p3) + ")");
}

void feed(Stream& stream, const sketchrnn_row* rows, std::size_t count) {
  Row row{};
  for (std::size_t i = 0; i < count; ++i) {
    read_row(rows[i], row);
    stream.feed(&row, 1);
  }
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

std::unique_ptr<sketchrnn_drawings> draw(const sketchrnn_net& handle, const sketchrnn_row* partial,
                                         std::size_t length, const sketchrnn_draw_options* given) {
  const sketchrnn_draw_options in = options_from(given);
  const std::size_t own_limit = static_cast<std::size_t>(handle.net->weights().max_len);
  DrawOptions options;
  options.count = in.count;
  options.temperature = make_temperature(
      in.temperature,
      in.softmax_temperature < 0.0 ? std::nullopt : std::optional<double>(in.softmax_temperature));
  options.seed = in.seed;
  options.index = in.index;
  options.max_len = in.max_len != 0 ? in.max_len : length < own_limit ? own_limit : 2 * length;
  if (in.threads < 1 || in.threads > 4096)
    throw ArgumentError("options.threads: expected a number from 1 to 4096, found " +
                        std::to_string(in.threads));
  options.threads = in.threads;

  check_rows(partial, length, "partial");
  std::vector<Row> prefix(length);
  for (std::size_t i = 0; i < length; ++i) read_row(partial[i], prefix[i]);
  Stream origin(handle.net, in.seed, in.index);
  origin.feed(prefix.data(), prefix.size());
  Progress progress;
  if (in.progress != nullptr)
    progress = [&in](std::size_t done) { return in.progress(done, in.user) == 0; };
  return std::unique_ptr<sketchrnn_drawings>(
      new sketchrnn_drawings{generate(origin, prefix, options, progress)});
}

void softmax(double* x, int n) {
  const double top = *std::max_element(x, x + n);
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (int i = 0; i < n; ++i) x[i] /= sum;
}

}  // namespace

const char* sketchrnn_version(void) {
  return SKETCHRNN_STRING(SKETCHRNN_VERSION_MAJOR) "." SKETCHRNN_STRING(
      SKETCHRNN_VERSION_MINOR) "." SKETCHRNN_STRING(SKETCHRNN_VERSION_PATCH);
}

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
    const Precision chosen = precision_from(precision);
    *net = make_net(weights_from_file(path), chosen).release();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_net_open_memory(const void* data, size_t size, const char* precision,
                                           sketchrnn_net** net, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(data, "data");
    require(net, "net");
    const Precision chosen = precision_from(precision);
    const std::string_view container(static_cast<const char*>(data), size);
    *net = make_net(weights_from_memory(container, nullptr, "memory"), chosen).release();
    return SKETCHRNN_OK;
  });
}

void sketchrnn_net_close(sketchrnn_net* net) { delete net; }

const char* sketchrnn_net_name(const sketchrnn_net* net) {
  return net->net->weights().name.c_str();
}

const char* sketchrnn_net_precision(const sketchrnn_net* net) {
  return kPrecisionNames[static_cast<int>(net->net->precision())];
}

const char* sketchrnn_net_isa(const sketchrnn_net* net) { return net->net->kernels().isa; }

int sketchrnn_net_hidden_size(const sketchrnn_net* net) { return net->net->hidden(); }

int sketchrnn_net_mixtures(const sketchrnn_net* net) { return net->net->mixtures(); }

int sketchrnn_net_outputs(const sketchrnn_net* net) { return net->net->outputs(); }

int sketchrnn_net_max_len(const sketchrnn_net* net) { return net->net->weights().max_len; }

float sketchrnn_net_scale_factor(const sketchrnn_net* net) { return net->net->scale_factor(); }

size_t sketchrnn_net_packed_bytes(const sketchrnn_net* net) { return net->net->packed_bytes(); }

const char* sketchrnn_net_metadata(const sketchrnn_net* net, const char* key) {
  if (key == nullptr) return nullptr;
  // Compared by hand: find() would make a std::string, which may throw.
  for (const auto& [name, value] : net->net->weights().metadata)
    if (name == key) return value.c_str();
  return nullptr;
}

sketchrnn_status sketchrnn_state_create(const sketchrnn_net* net, uint64_t seed, uint64_t index,
                                        sketchrnn_state** state, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(state, "state");
    *state = new sketchrnn_state{Stream(net->net, seed, index),
                                 std::vector<float>(static_cast<std::size_t>(net->net->outputs()))};
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
  state->stream.reseed(seed, index);
  state->stream.reset();
}

sketchrnn_status sketchrnn_state_feed(sketchrnn_state* state, const sketchrnn_row* rows,
                                      size_t count, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(state, "state");
    check_rows(rows, count, "rows");
    feed(state->stream, rows, count);
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
    *row = {drawn.dx, drawn.dy, drawn.pen == Pen::down ? 1.0f : 0.0f,
            drawn.pen == Pen::up ? 1.0f : 0.0f, drawn.pen == Pen::end ? 1.0f : 0.0f};
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

uint64_t sketchrnn_state_position(const sketchrnn_state* state) { return state->stream.position(); }

int sketchrnn_state_finished(const sketchrnn_state* state) { return state->stream.finished(); }

sketchrnn_status sketchrnn_net_draw(const sketchrnn_net* net, const sketchrnn_draw_options* options,
                                    sketchrnn_drawings** drawings, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(drawings, "drawings");
    *drawings = draw(*net, nullptr, 0, options).release();
    return SKETCHRNN_OK;
  });
}

sketchrnn_status sketchrnn_net_complete(const sketchrnn_net* net, const sketchrnn_row* partial,
                                        size_t length, const sketchrnn_draw_options* options,
                                        sketchrnn_drawings** drawings, sketchrnn_error* error) {
  return guarded(error, [&] {
    require(net, "net");
    require(drawings, "drawings");
    *drawings = draw(*net, partial, length, options).release();
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
