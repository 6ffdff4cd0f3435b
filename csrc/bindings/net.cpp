// Net, DrawOptions, Stream.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "bindings/device_array.h"
#include "bindings/net.h"
#include "cuda/device.h"
#include "engine/draw.h"
#include "engine/latent.h"
#include "engine/open.h"
#include "engine/score.h"
#include "engine/stream.h"
#include "model/precision.h"

namespace sketchrnn::bindings {

Conditions conditions_from(const PlacedNet& placed, const Objects& objects, const LatentArray& z,
                           std::uint64_t seed, std::uint64_t index) {
  const std::shared_ptr<const Net>& net = placed.device->net();
  std::vector<float> rows;
  if (z) {
    if (z->ndim() != 2 || static_cast<std::size_t>(z->shape(1)) != net->latent())
      throw ArgumentError("z: expected an array of shape (n, " + std::to_string(net->latent()) +
                          ")");
    rows.assign(z->data(), z->data() + z->size());
    if (rows.empty()) throw ArgumentError("z: expected at least one row");
  }
  if (net->latent() != 0 || z) return Conditions(net, Latents{std::move(rows), seed, index});
  std::vector<std::uint32_t> numbers;
  if (objects) numbers.assign(objects->data(), objects->data() + objects->size());
  return Conditions(net, std::move(numbers));
}

namespace {

// On GPU number `device`, below 0 on the processor.
PlacedNet placed(std::shared_ptr<const Net> net, int device) {
  return {device < 0 ? processor(std::move(net)) : cuda::put_on_device(std::move(net), device)};
}

int check_threads(int threads) {
  if (threads < 0 || threads > 4096)
    throw ArgumentError("threads: expected a number from 1 to 4096, found " +
                        std::to_string(threads));
  return threads;
}

// Calls drawn(device, conditions, prefix, options, progress) without the GIL.
template <class Drawn>
auto draw_with(const PlacedNet& placed, const DrawOptions& options, const Objects& objects,
               const LatentArray& z, const FloatArray& prefix, const py::object& progress,
               const Drawn& drawn) {
  const Conditions conditions = conditions_from(placed, objects, z, options.seed, options.index);
  const std::vector<Row> given = rows_from(prefix, "partial");
  Unlocked unlocked(progress);
  return drawn(*placed.device, conditions, given, options, unlocked.progress());
}

py::tuple score_all(const PlacedNet& placed, const FloatArray& strokes, const OffsetArray& offsets,
                    int threads, const py::object& progress, const Objects& objects,
                    const LatentArray& z) {
  const CheckedDrawings drawings = drawings_from(strokes, offsets);
  const Conditions conditions = conditions_from(placed, objects, z);
  const std::size_t n = drawings.rows.size();
  std::unique_ptr<double[]> offset_nll(new double[n]);
  std::unique_ptr<double[]> pen_nll(new double[n]);
  {
    Unlocked unlocked(progress);
    score(*placed.device, conditions, drawings.view(), check_threads(threads), offset_nll.get(),
          pen_nll.get(), unlocked.progress());
  }
  return py::make_tuple(own(std::move(offset_nll), {static_cast<Index>(n)}),
                        own(std::move(pen_nll), {static_cast<Index>(n)}));
}

// The raw predictions (n, outputs).
FloatArray forward_all(const PlacedNet& placed, const FloatArray& strokes,
                       const OffsetArray& offsets, int threads, const Objects& objects,
                       const LatentArray& latents) {
  const CheckedDrawings drawings = drawings_from(strokes, offsets);
  const Conditions conditions = conditions_from(placed, objects, latents);
  const std::size_t n = drawings.rows.size();
  const auto outputs = static_cast<std::size_t>(placed.net().outputs());
  std::unique_ptr<float[]> z(new float[n * outputs]);
  {
    Unlocked unlocked;
    conditions.check_count(drawings.offsets.size() - 1);
    placed.device->follow(
        conditions, drawings.view(), std::max(1, check_threads(threads)),
        [&](std::int64_t row, const float* one) {
          std::copy_n(one, outputs, z.get() + static_cast<std::size_t>(row) * outputs);
        },
        unlocked.progress());
  }
  return own(std::move(z), {static_cast<Index>(n), static_cast<Index>(outputs)});
}

// μ and σ, (n, N_z) each.
py::tuple encode_all(const PlacedNet& placed, const FloatArray& strokes, const OffsetArray& offsets,
                     int threads, const py::object& progress) {
  const CheckedDrawings drawings = drawings_from(strokes, offsets);
  const Net& net = placed.net();
  if (net.latent() == 0) throw ArgumentError("this net has no encoder");
  const std::size_t count = drawings.offsets.size() - 1;
  std::unique_ptr<float[]> mu(new float[count * net.latent()]);
  std::unique_ptr<float[]> sigma(new float[count * net.latent()]);
  {
    Unlocked unlocked(progress);
    encode(net, drawings.view(), check_threads(threads), mu.get(), sigma.get(),
           unlocked.progress());
  }
  const std::vector<Index> shape = {static_cast<Index>(count), static_cast<Index>(net.latent())};
  return py::make_tuple(own(std::move(mu), shape), own(std::move(sigma), shape));
}

// Latent vectors of drawings that nobody gave one, (count, N_z).
FloatArray latents_of(const PlacedNet& placed, std::uint64_t seed, std::uint64_t index,
                      std::size_t count) {
  const Net& net = placed.net();
  FloatArray out({static_cast<Index>(count), static_cast<Index>(net.latent())});
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<float> z = latent_normals(net.kernels(), net.latent(), seed, index + i);
    std::copy(z.begin(), z.end(), out.mutable_data() + i * net.latent());
  }
  return out;
}

DrawOptions draw_options(std::size_t count, double temperature,
                         std::optional<double> softmax_temperature, std::uint64_t seed,
                         std::uint64_t index, std::size_t max_len, int threads, int lanes) {
  DrawOptions options;
  options.count = count;
  options.temperature = make_temperature(temperature, softmax_temperature);
  options.seed = seed;
  options.index = index;
  options.max_len = max_len;
  options.threads = check_threads(threads);
  options.lanes = lanes;
  return options;
}

void bind_stream(py::module_& m) {
  py::class_<Stream>(m, "Stream")
      .def(py::init([](const PlacedNet& placed, std::uint64_t seed, std::uint64_t index,
                       int threads, const Objects& objects, const LatentArray& z) {
             auto stream = std::make_unique<Stream>(
                 placed.device->net(), conditions_from(placed, objects, z, seed, index).at(0), seed,
                 index, check_threads(threads));
             if (placed.net().latent() != 0 && !z) stream->keep_latent();
             return stream;
           }),
           py::arg("net"), py::arg("seed"), py::arg("index"), py::arg("threads") = 1,
           py::arg("objects") = py::none(), py::arg("z") = py::none())
      .def("copy", [](const Stream& s) { return Stream(s); })
      .def("reset", &Stream::reset)
      .def("reseed", &Stream::reseed, py::arg("seed"), py::arg("index"))
      .def(
          "feed",
          [](Stream& s, const FloatArray& strokes) {
            const std::vector<Row> rows = rows_from(strokes, "strokes");
            Unlocked unlocked;
            s.feed(rows.data(), rows.size(), unlocked.progress());
          },
          py::arg("strokes").noconvert())
      // Some tens of microseconds: releasing the GIL for it would cost a good part of that.
      .def(
          "step",
          [](Stream& s, double temperature, std::optional<double> softmax_temperature) {
            FloatArray out(static_cast<Index>(kStroke5));
            write_row(out.mutable_data(),
                      s.step(make_temperature(temperature, softmax_temperature)));
            return out;
          },
          py::arg("temperature"), py::arg("softmax_temperature"))
      .def("predict",
           [](Stream& s) {
             FloatArray z(s.net().outputs());
             s.predict(z.mutable_data());
             return z;
           })
      .def("hidden_state",
           [](Stream& s) {
             FloatArray h(s.net().hidden());
             FloatArray c(s.net().hidden());
             s.hidden_state(h.mutable_data(), c.mutable_data());
             return py::make_tuple(h, c);
           })
      .def_property_readonly("position", &Stream::position)
      .def_property_readonly("finished", &Stream::finished)
      .def_property_readonly("seed", &Stream::seed)
      .def_property_readonly("index", &Stream::index);
}

}  // namespace

void bind_net(py::module_& m) {
  py::class_<DrawOptions>(m, "DrawOptions")
      .def(py::init(&draw_options), py::kw_only(), py::arg("count"), py::arg("temperature"),
           py::arg("softmax_temperature") = py::none(), py::arg("seed"), py::arg("index") = 0,
           py::arg("max_len") = 0, py::arg("threads") = 0, py::arg("lanes") = 0);

  py::class_<PlacedNet>(m, "Net")
      .def_static(
          "from_file",
          [](const std::string& path, const std::string& precision, int device) {
            const Precision chosen = precision_from(precision);
            Unlocked unlocked;
            const Progress progress = unlocked.progress();
            return placed(open_net(weights_from_file(path, progress), chosen, progress), device);
          },
          py::arg("path"), py::arg("precision") = "f32", py::arg("device") = -1)
      .def_static(
          "from_bytes",
          [](const py::bytes& container, const std::string& what, const std::string& precision,
             int device) {
            const Precision chosen = precision_from(precision);
            // Outlives the work without the GIL, which the bytes object needs when it goes.
            const std::shared_ptr<const Weights> weights = weights_from_bytes(container, what);
            Unlocked unlocked;
            return placed(open_net(weights, chosen, unlocked.progress()), device);
          },
          py::arg("container"), py::arg("what"), py::arg("precision") = "f32",
          py::arg("device") = -1)
      .def_property_readonly("name", [](const PlacedNet& n) { return n.net().weights().name; })
      .def_property_readonly("hidden_size", [](const PlacedNet& n) { return n.net().hidden(); })
      .def_property_readonly("mixtures", [](const PlacedNet& n) { return n.net().mixtures(); })
      .def_property_readonly("scale_factor",
                             [](const PlacedNet& n) { return n.net().scale_factor(); })
      .def_property_readonly("max_len",
                             [](const PlacedNet& n) { return n.net().weights().max_len; })
      .def_property_readonly("start_token",
                             [](const PlacedNet& n) { return n.net().weights().start_token; })
      .def_property_readonly("metadata",
                             [](const PlacedNet& n) { return n.net().weights().metadata; })
      .def_property_readonly("objects",
                             [](const PlacedNet& n) { return n.net().weights().objects; })
      .def_property_readonly("precision",
                             [](const PlacedNet& n) { return name_of(n.net().precision()); })
      .def_property_readonly("isa", [](const PlacedNet& n) { return n.net().kernels().isa; })
      .def_property_readonly("device", [](const PlacedNet& n) { return n.device->name(); })
      .def_property_readonly("kernel_seconds",
                             [](const PlacedNet& n) { return n.device->kernel_seconds(); })
      .def_property_readonly("packed_bytes",
                             [](const PlacedNet& n) { return n.net().packed_bytes(); })
      .def_property_readonly("container",
                             [](const PlacedNet& n) {
                               n.net().weights().check_unchanged();
                               const std::string_view all = n.net().weights().container;
                               return py::bytes(all.data(), all.size());
                             })
      .def("arrays", &arrays_of, py::arg("object") = py::none())
      .def("units", &units_of, py::arg("objects") = py::none(), py::arg("z") = py::none())
      .def(
          "draw",
          [](const PlacedNet& placed, const DrawOptions& options, const FloatArray& prefix,
             const py::object& progress, const Objects& objects, const LatentArray& z) {
            return arrays_from(draw_with(placed, options, objects, z, prefix, progress, draw));
          },
          py::arg("options"), py::arg("prefix").noconvert(), py::arg("progress") = py::none(),
          py::arg("objects") = py::none(), py::arg("z") = py::none())
      // The same, left in the GPU's memory.
      .def(
          "draw_there",
          [](const PlacedNet& placed, const DrawOptions& options, const FloatArray& prefix,
             const py::object& progress, const Objects& objects, const LatentArray& z) {
            return device_arrays_from(
                draw_with(placed, options, objects, z, prefix, progress, draw_there));
          },
          py::arg("options"), py::arg("prefix").noconvert(), py::arg("progress") = py::none(),
          py::arg("objects") = py::none(), py::arg("z") = py::none())
      .def("score", &score_all, py::arg("strokes").noconvert(), py::arg("offsets").noconvert(),
           py::arg("threads"), py::arg("progress") = py::none(), py::arg("objects") = py::none(),
           py::arg("z") = py::none())
      .def("encode", &encode_all, py::arg("strokes").noconvert(), py::arg("offsets").noconvert(),
           py::arg("threads"), py::arg("progress") = py::none())
      .def("latents", &latents_of, py::arg("seed"), py::arg("index"), py::arg("count"))
      .def_property_readonly("latent_size", [](const PlacedNet& n) { return n.net().latent(); })
      .def("forward", &forward_all, py::arg("strokes").noconvert(), py::arg("offsets").noconvert(),
           py::arg("threads"), py::arg("objects") = py::none(), py::arg("z") = py::none());

  m.def("calibrated", &calibrated_arrays, py::arg("container"), py::arg("what"));
  m.def("precisions", [] {
    return std::vector<std::string>(std::begin(kPrecisionNames), std::end(kPrecisionNames));
  });
  bind_stream(m);
}

}  // namespace sketchrnn::bindings
