// What needs no net: points and densities of one distribution, simplification, the build.

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "engine/memory_limit.h"
#include "engine/sampler.h"
#include "engine/score.h"
#include "engine/simplify.h"
#include "engine/workers.h"
#include "kernels/isa.h"
#include "version.h"

namespace sketchrnn::bindings {
namespace {

int mixtures_from(const FloatArray& z) {
  const int mixtures = z.ndim() == 1 ? mixtures_of(static_cast<std::size_t>(z.size())) : 0;
  if (mixtures == 0) throw ArgumentError("z: expected an array of shape (3 + 6M,)");
  return mixtures;
}

}  // namespace

void bind_tools(py::module_& m) {
  // Points drawn from given head outputs: what the sampler does in every step, on its own.
  m.def(
      "sample",
      [](const FloatArray& z, std::size_t count, double temperature,
         std::optional<double> softmax_temperature, std::uint64_t seed) {
        const int mixtures = mixtures_from(z);
        check_memory("size", sizeof(float) * kStroke5 * static_cast<double>(count));
        const Temperature t = make_temperature(temperature, softmax_temperature);
        const Kernels& kernels = choose_kernels();
        std::unique_ptr<float[]> out(new float[count * kStroke5]);
        {
          Unlocked unlocked;
          sample(kernels, z.data(), mixtures, t, seed, count, out.get(), unlocked.progress());
        }
        return own(std::move(out), {static_cast<Index>(count), static_cast<Index>(kStroke5)});
      },
      py::arg("z").noconvert(), py::arg("count"), py::arg("temperature"),
      py::arg("softmax_temperature"), py::arg("seed"));
  m.def(
      "log_density",
      [](const FloatArray& z, const py::array_t<double, py::array::c_style>& points) {
        if (points.ndim() != 2 || points.shape(1) != 2)
          throw ArgumentError("points: expected an array of shape (n, 2)");
        const int mixtures = mixtures_from(z);
        py::array_t<double> out(points.shape(0));
        const double* p = points.data();
        double* o = out.mutable_data();
        const Index n = points.shape(0);
        {
          Unlocked unlocked;
          const Progress progress = unlocked.progress();
          Pulse pulse(progress);
          for (Index i = 0; i < n; ++i) {
            if (i % 256 == 0) pulse.check();
            o[i] = log_density(z.data(), mixtures, p[2 * i], p[2 * i + 1]);
          }
        }
        return out;
      },
      py::arg("z").noconvert(), py::arg("points").noconvert());
  m.def(
      "simplify",
      [](const py::array_t<double, py::array::c_style>& points, double epsilon, bool to_line) {
        if (points.ndim() != 2 || points.shape(1) != 2)
          throw ArgumentError("points: expected an array of shape (n, 2)");
        if (!(epsilon >= 0.0))
          throw ArgumentError("epsilon: expected a number of at least 0, found " +
                              std::to_string(epsilon));
        py::array_t<bool> keep(points.shape(0));
        const double* const xy = points.data();
        bool* const kept = keep.mutable_data();
        const auto n = static_cast<std::size_t>(points.shape(0));
        {
          Unlocked unlocked;
          simplify(xy, n, epsilon, to_line ? Chord::kLine : Chord::kSegment, kept,
                   unlocked.progress());
        }
        return keep;
      },
      py::arg("points").noconvert(), py::arg("epsilon"), py::arg("to_line"));
  m.def(
      "philox4x32_10",
      [](std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
        return philox4x32_10(counter, key);
      },
      py::arg("counter"), py::arg("key"));
  m.def("isas", [] {
    py::list out;
    for (const Isa& isa : isas())
      out.append(py::make_tuple(isa.name, isa.kernels != nullptr, isa.usable, isa.reason));
    return out;
  });
  m.def("version", [] { return kVersion; });
  m.def("processors", &processors);
  m.def("running_isa", [] { return choose_kernels().isa; });
  m.def("compiler", [] {
#if defined(__clang__)
    return std::string("Clang ") + __clang_version__;
#else
    return std::string("GCC ") + __VERSION__;
#endif
  });
}

}  // namespace sketchrnn::bindings
