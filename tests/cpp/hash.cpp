// Prints a hash of what a few nets draw and predict in every precision, by every instruction set
// that runs here. Builds for different processors must print the same numbers: .ci/run compares
// x86-64 with aarch64.
//
// AVX-VNNI, which few of the machines that test this have, runs emulated on the smaller nets.

#include <cstdio>
#include <memory>
#include <vector>

#include "avxvnni_emulator.h"
#include "engine/latent.h"
#include "nets.h"

namespace {

using namespace sketchrnn;

std::uint64_t hash_of(const std::shared_ptr<const Net>& net) {
  std::uint64_t sum = 0;
  for (const double temperature : {0.0, 0.4, 1.3}) {
    DrawOptions options;
    options.count = 24;
    options.temperature = make_temperature(temperature);
    options.seed = 99;
    options.max_len = 50;
    options.threads = 2;
    const Batch batch = nets::draw(net, options);
    sum = sum * 31 +
          nets::hash(batch.rows.get(),
                     5 * static_cast<std::size_t>(batch.offsets[batch.count]) * sizeof(float));
    Stream stream = nets::stream(net, 5);
    for (int i = 0; i < 10 && !stream.finished(); ++i) stream.step(options.temperature);
    std::vector<float> z(static_cast<std::size_t>(net->outputs()));
    stream.predict(z.data());
    sum = sum * 31 + nets::hash(z.data(), z.size() * sizeof(float));
  }
  if (net->latent() == 0) return sum;
  DrawOptions options;
  options.count = 12;
  options.temperature = make_temperature(0.6);
  options.max_len = 40;
  options.threads = 1;
  const Batch batch = nets::draw(net, options);
  const std::vector<Row> rows = nets::rows_of(batch);
  std::vector<float> mu(batch.count * net->latent());
  std::vector<float> sigma(mu.size());
  encode(*net, {rows.data(), batch.offsets.get(), batch.count}, 2, mu.data(), sigma.data(), {});
  sum = sum * 31 + nets::hash(mu.data(), mu.size() * sizeof(float));
  return sum * 31 + nets::hash(sigma.data(), sigma.size() * sizeof(float));
}

}  // namespace

int main() {
  constexpr int kEmulatedUnits = 33;  // 70 take a minute where signals are slow, and agree
  const Kernels* const emulated = avxvnni::emulated();
  bool agree = true;
  for (const Precision precision : nets::kAllPrecisions) {
    for (const nets::Spec spec : {nets::Spec{1, 1, 1},
                                  {7, 5, 2},
                                  {64, 20, 3},
                                  {200, 20, 4},
                                  {33, 5, 5, 0, 1},
                                  {70, 20, 6, 0, 17}}) {
      std::uint64_t first = 0;
      std::vector<const Kernels*> all = nets::usable();
      if (emulated != nullptr && spec.hidden <= kEmulatedUnits) all.push_back(emulated);
      for (const Kernels* kernels : all) {
        const std::uint64_t sum = hash_of(nets::net(spec, *kernels, precision));
        if (first == 0) first = sum;
        agree = agree && sum == first;
        std::fprintf(stderr, "precision %d  H %4d  M %2d  %-10s %016llx\n",
                     static_cast<int>(precision), spec.hidden, spec.mixtures, kernels->isa,
                     static_cast<unsigned long long>(sum));
      }
      std::printf("precision %d H %d M %d %016llx\n", static_cast<int>(precision), spec.hidden,
                  spec.mixtures, static_cast<unsigned long long>(first));
    }
  }
  return agree ? 0 : 1;
}
