// Net, DrawOptions, Stream.

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/device_array.h"
#include "cuda/device.h"
#include "engine/draw.h"
#include "engine/latent.h"
#include "engine/open.h"
#include "engine/score.h"
#include "engine/stream.h"
#include "model/panels.h"
#include "model/precision.h"

namespace sketchrnn::bindings {
namespace {

// On GPU number `device`, below 0 on the processor.
PlacedNet placed(std::shared_ptr<const Net> net, int device) {
  return {device < 0 ? processor(std::move(net)) : cuda::put_on_device(std::move(net), device)};
}

std::shared_ptr<const Weights> weights_from_bytes(const py::bytes& container,
                                                  const std::string& what) {
  char* data = nullptr;
  Index size = 0;
  if (PyBytes_AsStringAndSize(container.ptr(), &data, &size) != 0) throw py::error_already_set();
  // The bytes object stays alive as long as the net; whoever drops the last reference may not hold
  // the GIL.
  std::shared_ptr<const void> owner(new py::bytes(container), [](py::bytes* p) {
    const py::gil_scoped_acquire gil;
    delete p;
  });
  Unlocked unlocked;
  return weights_from_memory({data, static_cast<std::size_t>(size)}, owner, what,
                             unlocked.progress());
}

FloatArray array_from(const Tensor& tensor) {
  FloatArray array(std::vector<Index>(tensor.shape.begin(), tensor.shape.end()));
  tensor.read(0, tensor.count, array.mutable_data());
  return array;
}

// wh as what its integers stand for.
FloatArray recurrent_from(const Weights& w) {
  FloatArray array = array_from(w.wh);
  if (w.wh.dtype != DType::i8) return array;
  const std::vector<double> columns = w.recurrent_scales();
  std::vector<float> rows(static_cast<std::size_t>(w.hidden), 1.0f);
  if (w.quantised()) w.h_scale.read(0, rows.size(), rows.data());
  float* wh = array.mutable_data();
  for (const float row : rows)
    for (const double column : columns) {
      *wh = static_cast<float>(*wh * column * row);
      ++wh;
    }
  return array;
}

// The plain net's arrays, with the biases of an object, by default the default one's; and those of
// its encoder.
py::dict arrays_of(const PlacedNet& placed, std::optional<std::size_t> object) {
  const Weights& w = placed.net().weights();
  w.check_unchanged();
  py::dict out;
  const auto put_lstm = [&](const std::string& prefix, const Weights& one) {
    out[py::str(prefix + "wx")] = array_from(one.wx);
    out[py::str(prefix + "wh")] = recurrent_from(one);
    out[py::str(prefix + "b")] = array_from(one.b);
  };
  put_lstm("", w);
  out["wo"] = array_from(w.wo);
  out["bo"] = array_from(w.bo);
  if (w.latent() != 0) {
    put_lstm("fw.", *w.forward);
    put_lstm("bw.", *w.backward);
    for (const auto& [name, tensor] : {std::pair{"mu.w", &w.mu_w},
                                       {"mu.b", &w.mu_b},
                                       {"sigma.w", &w.sigma_w},
                                       {"sigma.b", &w.sigma_b},
                                       {"z.w", &w.z_w},
                                       {"z.b", &w.z_b}})
      out[name] = array_from(*tensor);
    return out;
  }
  const Biases biases = placed.net().biases(object.value_or(w.default_object));
  std::copy(biases.gates.begin(), biases.gates.end(),
            py::cast<FloatArray>(out["b"]).mutable_data());
  std::copy(biases.head.begin(), biases.head.end(), py::cast<FloatArray>(out["bo"]).mutable_data());
  return out;
}

// The recurrent weights in 8 bits as calibration finds them, by the names that the container has for
// them: q, and the scales of columns and h.
py::dict calibrated_arrays(const py::bytes& container, const std::string& what) {
  const std::shared_ptr<const Weights> weights = weights_from_bytes(container, what);
  Calibrated found;
  {
    Unlocked unlocked;
    const Progress progress = unlocked.progress();
    found = calibrated(open_net(weights, Precision::f32, progress), progress);
  }
  py::dict out;
  const auto put = [&](const std::string& prefix, const QuantisedRecurrent& one) {
    const auto hidden = static_cast<Index>(one.h_scale.size());
    if (hidden == 0) return;
    py::array_t<std::int8_t> q({hidden, 4 * hidden});
    FloatArray columns(4 * hidden);
    FloatArray rows(hidden);
    std::copy(one.q.begin(), one.q.end(), q.mutable_data());
    std::copy(one.column_scale.begin(), one.column_scale.end(), columns.mutable_data());
    std::copy(one.h_scale.begin(), one.h_scale.end(), rows.mutable_data());
    out[py::str(prefix + "wh")] = q;
    out[py::str(prefix + "wh.column_scale")] = columns;
    out[py::str(prefix + "h.scale")] = rows;
  };
  put("", found.net);
  put("fw.", found.forward);
  put("bw.", found.backward);
  return out;
}

int check_threads(int threads) {
  if (threads < 0 || threads > 4096)
    throw ArgumentError("threads: expected a number from 1 to 4096, found " +
                        std::to_string(threads));
  return threads;
}

using Objects = std::optional<ObjectArray>;  // numbers into Net.objects: one, or one for each

using LatentArray = std::optional<FloatArray>;  // rows of N_z: one, or one for each

// Without latent vectors of its own, drawing i of a net that has some has that of (seed, index + i).
Conditions conditions_from(const PlacedNet& placed, const Objects& objects, const LatentArray& z,
                           std::uint64_t seed = 0, std::uint64_t index = 0) {
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

// What a step of precision i8 and the head compute with, to the bit, a unit after the other: for
// programs that have no kernels (nets/standalone.py).
py::dict units_of(const PlacedNet& placed, const Objects& objects, const LatentArray& z) {
  const Net& net = placed.net();
  if (net.precision() != Precision::i8)
    throw ArgumentError("precision: expected a net loaded with \"i8\"");
  const ConditionPtr condition = conditions_from(placed, objects, z).at(0);
  const Panels panels(net);
  const Packed& packed = panels.packed();
  const Index hidden = net.hidden();
  const Index outputs = net.outputs();
  constexpr Index gates = kGates;
  constexpr Index pens = kPenStates;
  py::array_t<std::int8_t> weights({hidden, gates, hidden});
  FloatArray scale({hidden, gates});
  FloatArray offsets({static_cast<Index>(kOffsetRows), hidden, gates});
  FloatArray bias({pens, hidden, gates});
  auto w = weights.mutable_unchecked<3>();
  auto s = scale.mutable_unchecked<2>();
  auto x = offsets.mutable_unchecked<3>();
  auto b = bias.mutable_unchecked<3>();
  for (Index unit = 0; unit < hidden; ++unit)
    for (Index gate = 0; gate < gates; ++gate) {
      const auto u = static_cast<std::size_t>(unit);
      const auto g = static_cast<std::size_t>(gate);
      for (Index k = 0; k < hidden; ++k)
        w(unit, gate, k) =
            static_cast<std::int8_t>(panels.byte(static_cast<std::size_t>(k), g, u, 0));
      s(unit, gate) = panels.at(packed.scale, 1, 0, g, u);
      for (std::size_t row = 0; row < kOffsetRows; ++row)
        x(static_cast<Index>(row), unit, gate) = panels.at(packed.offsets, kOffsetRows, row, g, u);
      for (std::size_t pen = 0; pen < kPenStates; ++pen)
        b(static_cast<Index>(pen), unit, gate) =
            panels.at(condition->bias.data(), kBiasRows, pen, g, u);
    }
  FloatArray head({outputs, hidden});
  for (Index row = 0; row < outputs; ++row)
    std::copy_n(packed.head + static_cast<std::size_t>(row) * packed.head_stride, hidden,
                head.mutable_data(row));
  const auto floats = [&](const float* from) {
    FloatArray out(hidden);
    std::copy_n(from, hidden, out.mutable_data());
    return out;
  };
  py::array_t<double> head_bias(outputs);
  std::copy_n(condition->head_bias.data(), outputs, head_bias.mutable_data());
  py::dict out;
  out["weights"] = weights;
  out["scale"] = scale;
  out["offsets"] = offsets;
  out["bias"] = bias;
  out["h_scale"] = floats(packed.h_scale);
  out["h"] = floats(condition->h.data());
  out["c"] = floats(condition->c.data());
  out["head"] = head;
  out["head_bias"] = head_bias;
  out["head_scale"] = packed.head_scale;
  return out;
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
