// States in C: one drawing, a step at a time.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "c_api/c_api.h"
#include "engine/stream.h"

struct sketchrnn_state {
  sketchrnn::Stream stream;
  std::vector<float> z;  // room for predict(), which may not allocate
};

namespace {

using namespace sketchrnn;
using namespace sketchrnn::c_api;

void softmax(double* x, int n) {
  const double top = *std::max_element(x, x + n);
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - top);
  for (int i = 0; i < n; ++i) x[i] /= sum;
}

}  // namespace

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
