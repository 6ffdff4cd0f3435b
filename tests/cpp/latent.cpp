// exp and tanh of our own; encoding and drawing with latent vectors; the C calls that have to do
// with them are in tests/interop/c_api.
#include "engine/latent.h"

#include <cfloat>
#include <cmath>

#include "check.h"
#include "engine/draw.h"
#include "engine/stream.h"
#include "model/exact.h"
#include "nets.h"

namespace {

using namespace sketchrnn;

constexpr nets::Spec kLatent{33, 5, 5, 0, 9};

// Four roundings of float64 in each of some thirteen steps; the largest found is 1e-15.
constexpr double kClose = 4e-15;

TEST(own_exp_and_tanh) {
  for (int i = -70000; i <= 70000; ++i) {
    const double x = i * 0.01 + 0.001 * (i % 7);
    CHECK(std::fabs(exact_exp(x) - std::exp(x)) <= kClose * std::exp(x));
    const double small = x * 1e-2;
    CHECK(std::fabs(exact_tanh(small) - std::tanh(small)) <=
          0.5 * FLT_EPSILON * 1e-3 * std::fabs(std::tanh(small)));
  }
  CHECK(exact_exp(-HUGE_VAL) == 0.0);
  CHECK(exact_exp(HUGE_VAL) == HUGE_VAL);
  CHECK(std::isnan(exact_exp(NAN)));
  CHECK(exact_tanh(HUGE_VAL) == 1.0);
  CHECK(exact_tanh(-HUGE_VAL) == -1.0);
  CHECK(std::isnan(exact_tanh(NAN)));
  CHECK(exact_tanh(1e-300) == 1e-300);
}

TEST(latent_vectors_by_seed_and_index) {
  const std::vector<float> z = latent_normals(*nets::usable().front(), 9, 5, 3);
  for (const Kernels* kernels : nets::usable()) {
    CHECK(latent_normals(*kernels, 9, 5, 3) == z);
    const std::vector<float> longer = latent_normals(*kernels, 12, 5, 3);
    CHECK(std::equal(z.begin(), z.end(), longer.begin()));
  }
  CHECK(latent_normals(*nets::usable().front(), 9, 5, 4) != z);
  CHECK(latent_normals(*nets::usable().front(), 9, 6, 3) != z);
}

TEST(conditions_of_latent_vectors) {
  const auto net = nets::net(kLatent, *nets::usable().back());
  CHECK(net->latent() == 9);
  const Conditions free(net, Latents{{}, 5, 3});
  const std::vector<float> z = latent_normals(net->kernels(), 9, 5, 4);
  CHECK(free.latent(1) == z);
  const Conditions one(net, Latents{z, 0, 0});
  CHECK(one.at(0) == one.at(7));
  CHECK(one.object(0) == one.object(7));
  CHECK(free.at(1)->h.size() == one.at(0)->h.size());
  for (std::size_t i = 0; i < one.at(0)->h.size(); ++i) CHECK(free.at(1)->h[i] == one.at(0)->h[i]);
  CHECK_THROWS(Conditions(net, Latents{{1.0f}, 0, 0}), ArgumentError, "rows of 9 numbers");
  CHECK_THROWS(Conditions(net, Latents{std::vector<float>(9, NAN), 0, 0}), ArgumentError,
               "must be finite");
  CHECK_THROWS(Conditions(net, Latents{std::vector<float>(18), 0, 0}).check_count(3), ArgumentError,
               "found 2");
  const auto plain = nets::net({}, *nets::usable().back());
  CHECK_THROWS(Conditions(plain, Latents{{1.0f}, 0, 0}), ArgumentError, "no latent vector");
}

// Every drawing's latent vector leads through the given rows to a state of its own, made by the
// workers when they come to it.
TEST(drawings_of_latent_vectors_go_on) {
  const auto net = nets::net(kLatent, *nets::usable().back());
  const Conditions own(net, Latents{{}, 5, 3});
  const std::vector<Row> prefix{{3.0f, 1.0f, Pen::down}, {-1.0f, 4.0f, Pen::up}};
  DrawOptions options;
  options.count = 20;
  options.temperature = make_temperature(0.7);
  options.max_len = 12;
  options.threads = 2;
  options.lanes = 3;
  const Batch batch = draw(*processor(net), own, prefix, options, {});
  for (std::size_t i = 0; i < options.count; ++i) {
    Stream stream(net, own.at(i), 0, i);
    stream.feed(prefix.data(), prefix.size());
    const auto given = static_cast<std::int64_t>(prefix.size());
    for (std::int64_t r = batch.offsets[i] + given; r < batch.offsets[i + 1]; ++r) {
      const Row row = stream.step(options.temperature);
      CHECK(row.dx == batch.rows.get()[5 * r] && row.dy == batch.rows.get()[5 * r + 1]);
    }
    CHECK(stream.finished() || stream.position() == options.max_len);
  }
  // Given rows that take hours end as soon as the caller says so, in every thread.
  const std::vector<Row> endless(20'000'000, prefix.front());
  options.max_len = 0;
  CHECK_THROWS(draw(*processor(net), own, endless, options, [](std::size_t) { return false; }),
               Cancelled, "cancelled");
}

}  // namespace
