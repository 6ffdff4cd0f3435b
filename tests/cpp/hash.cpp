// Prints a hash of what a few nets draw and predict, by every instruction set that runs here.
// Builds for different processors must print the same numbers: .ci/run compares x86-64 with
// aarch64.

#include <cstdio>
#include <vector>

#include "generator.h"
#include "nets.h"
#include "temperature.h"

int main() {
  using namespace sketchrnn;
  bool agree = true;
  for (const nets::Spec spec : {nets::Spec{1, 1, 1}, {7, 5, 2}, {64, 20, 3}, {200, 20, 4}}) {
    std::uint64_t first = 0;
    for (const KernelsF32* kernels : nets::usable()) {
      const auto net = nets::net(spec, *kernels);
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
      if (first == 0) first = sum;
      agree = agree && sum == first;
      std::fprintf(stderr, "H %4d  M %2d  %-8s %016llx\n", spec.hidden, spec.mixtures, kernels->isa,
                   static_cast<unsigned long long>(sum));
    }
    std::printf("H %d M %d %016llx\n", spec.hidden, spec.mixtures,
                static_cast<unsigned long long>(first));
  }
  return agree ? 0 : 1;
}
