// Any head outputs, finite or not, through the sampler on two instruction sets, bits compared, and
// through the densities.

#include "engine/sampler.h"

#include <cmath>
#include <vector>

#include "../cpp/nets.h"
#include "engine/score.h"
#include "error.h"
#include "kernels/isa.h"
#include "made_net.h"

namespace {

using namespace sketchrnn;

std::vector<float> points(const Kernels& kernels, const std::vector<float>& z, int mixtures,
                          Temperature temperature, std::uint64_t seed, std::size_t count) {
  std::vector<float> rows(5 * count);
  sample(kernels, z.data(), mixtures, temperature, seed, count, rows.data());
  for (float& x : rows)
    if (std::isnan(x)) x = NAN;
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const int mixtures = 1 + static_cast<int>(input.below(20));
  const std::uint8_t many = input.byte();  // more than a round of the sampler, seldom
  const std::size_t count = 1u + (many < 250 ? many % 8u : many % 130u);
  const std::uint8_t how = input.byte();
  const std::uint8_t other = input.byte();
  Temperature temperature{};
  try {
    temperature = make_temperature(fuzz::any_temperature(input));
  } catch (const ArgumentError&) {
    return 0;
  }
  const auto seed = input.take<std::uint64_t>();
  std::vector<float> z(3 + 6 * static_cast<std::size_t>(mixtures));
  bool finite = true;
  for (float& x : z) {
    x = how % 2 == 0 ? static_cast<float>(static_cast<std::int8_t>(input.byte())) / 8.0f
                     : input.take<float>();
    finite = finite && std::isfinite(x);
  }
  static const std::vector<const Kernels*> usable = nets::usable();
  // Two of them, as in net.cpp: the plain one costs most, and comes seldom.
  const std::size_t a = usable.size() > 1 && other >= 64 ? 1 : 0;
  const std::vector<float> first = points(*usable[a], z, mixtures, temperature, seed, count);
  for (std::size_t i = 0; i < count; ++i)
    fuzz::check(first[5 * i + 2] + first[5 * i + 3] + first[5 * i + 4] == 1.0f, "one pen state");
  const std::size_t b = other % usable.size();
  if (a != b) {
    const std::vector<float> second = points(*usable[b], z, mixtures, temperature, seed, count);
    fuzz::check(std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0,
                "every instruction set gives the same bits");
  }
  const double dx = input.take<float>();
  const double density = log_density(z.data(), mixtures, dx, input.byte());
  const double pen = log_pen(z.data(), static_cast<Pen>(input.below(3)));
  if (finite && how % 2 == 0 && std::isfinite(dx))
    fuzz::check(!std::isnan(density) && pen <= 0.0, "finite outputs of usual size have a density");
  return 0;
}
