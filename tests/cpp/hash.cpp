// Prints a hash of what a few nets draw and predict in every precision, by every instruction set
// that runs here. Builds for different processors must print the same numbers: .ci/run compares
// x86-64 with aarch64.

#include <cstdio>
#include <memory>
#include <vector>

#include "generator.h"
#include "nets.h"
#include "temperature.h"

namespace {

using namespace sketchrnn;

std::uint64_t hash_of(const std::shared_ptr<const Net>& net) {
  std::uint64_t sum = 0;
  for (const double temperature : {0.0, 0.4, 1.3}) {
    Stream origin(net, 99, 0);
    DrawOptions options;
    options.count = 24;
    options.temperature = make_temperature(temperature);
    options.seed = 99;
    options.max_len = 50;
    options.threads = 2;
    const Batch batch = generate(origin, {}, options, {});
    sum = sum * 31 +
          nets::hash(batch.rows.get(),
                     5 * static_cast<std::size_t>(batch.offsets[batch.count]) * sizeof(float));
    Stream stream(net, 5, 0);
    for (int i = 0; i < 10 && !stream.finished(); ++i) stream.step(options.temperature);
    std::vector<float> z(static_cast<std::size_t>(net->outputs()));
    stream.predict(z.data());
    sum = sum * 31 + nets::hash(z.data(), z.size() * sizeof(float));
  }
  return sum;
}

}  // namespace

int main() {
  bool agree = true;
  for (const Precision precision : nets::kAllPrecisions) {
    for (const nets::Spec spec : {nets::Spec{1, 1, 1}, {7, 5, 2}, {64, 20, 3}, {200, 20, 4}}) {
      std::uint64_t first = 0;
      for (const Kernels* kernels : nets::usable()) {
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
