// sketchrnn._core: the core's classes and functions over NumPy arrays.
//
// Here is only what needs to know both worlds: array layouts, who owns memory, the GIL, exceptions.
// Arguments have been made friendly (units, defaults, names) in Python, where the docstrings are.

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/device.h"
#include "error.h"
#include "generator.h"
#include "isa.h"
#include "net.h"
#include "quantise.h"
#include "sampler.h"
#include "score.h"
#include "simplify.h"
#include "stream.h"
#include "temperature.h"
#include "weights.h"

using namespace sketchrnn;
using namespace sketchrnn::bindings;

namespace {

// Messages quote file names and parts of files, which need not be UTF-8.
void set_python_error(py::handle type, const char* message) {
  const py::object text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(message, static_cast<Index>(std::strlen(message)), "replace"));
  if (text) PyErr_SetObject(type.ptr(), text.ptr());
}

constexpr const char* kPrecisionNames[kPrecisions] = {"f32", "i16", "i8"};

Precision precision_from(const std::string& name) {
  for (int i = 0; i < kPrecisions; ++i)
    if (name == kPrecisionNames[i]) return static_cast<Precision>(i);
  throw ArgumentError("precision: expected \"f32\", \"i16\" or \"i8\", found \"" + name + "\"");
}

std::shared_ptr<Net> net_from(const std::shared_ptr<const Weights>& weights, Precision precision) {
  return std::make_shared<Net>(weights, choose_kernels(), precision);
}

std::shared_ptr<Net> net_from_bytes(const py::bytes& container, const std::string& what,
                                    const std::string& precision_name) {
  const Precision precision = precision_from(precision_name);
  char* data = nullptr;
  Index size = 0;
  if (PyBytes_AsStringAndSize(container.ptr(), &data, &size) != 0) throw py::error_already_set();
  // The bytes object stays alive as long as the net; whoever drops the last reference may not hold
  // the GIL.
  std::shared_ptr<const void> owner(new py::bytes(container), [](py::bytes* p) {
    const py::gil_scoped_acquire gil;
    delete p;
  });
  const py::gil_scoped_release release;
  return net_from(weights_from_memory({data, static_cast<std::size_t>(size)}, owner, what),
                  precision);
}

py::dict arrays_of(const Net& net) {
  const Weights& w = net.weights();
  w.check_unchanged();
  const std::pair<const char*, const Tensor*> all[] = {
      {"wx", &w.wx}, {"wh", &w.wh}, {"b", &w.b}, {"wo", &w.wo}, {"bo", &w.bo}};
  py::dict out;
  for (const auto& [name, tensor] : all) {
    FloatArray array(std::vector<Index>(tensor->shape.begin(), tensor->shape.end()));
    tensor->read(0, tensor->count, array.mutable_data());
    out[name] = array;
  }
  if (w.wh.dtype == DType::i8) {
    const std::vector<double> columns = w.recurrent_scales();
    std::vector<float> rows(static_cast<std::size_t>(w.hidden), 1.0f);
    if (w.quantised()) w.h_scale.read(0, rows.size(), rows.data());
    float* wh = py::cast<FloatArray>(out["wh"]).mutable_data();
    for (const float row : rows)
      for (const double column : columns) {
        *wh = static_cast<float>(*wh * column * row);
        ++wh;
      }
  }
  return out;
}

// The 8-bit recurrent weights of a container: what quantise_i8 finds, as arrays to be stored.
py::tuple quantise_container(const py::bytes& container, const std::string& what) {
  const std::shared_ptr<const Net> net = net_from_bytes(container, what, "f32");
  QuantisedRecurrent found;
  {
    const py::gil_scoped_release release;
    found = quantise_i8(net);
  }
  const Index hidden = net->hidden();
  py::array_t<std::int8_t> q({hidden, 4 * hidden});
  FloatArray columns(4 * hidden);
  FloatArray rows(hidden);
  std::copy(found.q.begin(), found.q.end(), q.mutable_data());
  std::copy(found.column_scale.begin(), found.column_scale.end(), columns.mutable_data());
  std::copy(found.h_scale.begin(), found.h_scale.end(), rows.mutable_data());
  return py::make_tuple(q, columns, rows);
}

py::tuple generate_from(Stream& stream, const FloatArray& prefix, std::size_t count,
                        double temperature, std::optional<double> softmax_temperature,
                        std::uint64_t seed, std::uint64_t index, std::size_t max_len, int threads,
                        int lanes, const py::object& progress) {
  const DrawOptions options =
      draw_options(count, temperature, softmax_temperature, seed, index, max_len, threads, lanes);
  const std::vector<Row> given = rows_from(prefix, "partial");
  Batch batch;
  {
    const Progress report = progress_from(progress);
    const py::gil_scoped_release release;
    Stream origin(stream);  // the caller's stream stays untouched, even if used elsewhere meanwhile
    batch = generate(origin, given, options, report);
  }
  return arrays_from(std::move(batch));
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  static py::exception<WeightsError> weights_error(m, "WeightsError", PyExc_ValueError);
  static py::exception<DeviceError> device_error(m, "DeviceError", PyExc_RuntimeError);
  static py::exception<Cancelled> cancelled(m, "Cancelled", PyExc_RuntimeError);
  (void)weights_error;
  (void)device_error;
  (void)cancelled;
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const WeightsError& e) {
      set_python_error(weights_error, e.what());
    } catch (const DeviceError& e) {
      set_python_error(device_error, e.what());
    } catch (const Cancelled& e) {
      py::set_error(cancelled, e.what());
    } catch (const ArgumentError& e) {
      set_python_error(PyExc_ValueError, e.what());
    }
  });

  py::class_<Net, std::shared_ptr<Net>>(m, "Net")
      .def_static(
          "from_file",
          [](const std::string& path, const std::string& precision_name) {
            const Precision precision = precision_from(precision_name);
            const py::gil_scoped_release release;
            return net_from(weights_from_file(path), precision);
          },
          py::arg("path"), py::arg("precision") = "f32")
      .def_static("from_bytes", &net_from_bytes, py::arg("container"), py::arg("what"),
                  py::arg("precision") = "f32")
      .def_property_readonly("name", [](const Net& n) { return n.weights().name; })
      .def_property_readonly("hidden_size", &Net::hidden)
      .def_property_readonly("mixtures", &Net::mixtures)
      .def_property_readonly("scale_factor", &Net::scale_factor)
      .def_property_readonly("max_len", [](const Net& n) { return n.weights().max_len; })
      .def_property_readonly("start_token", [](const Net& n) { return n.weights().start_token; })
      .def_property_readonly("metadata", [](const Net& n) { return n.weights().metadata; })
      .def_property_readonly(
          "precision",
          [](const Net& n) { return kPrecisionNames[static_cast<int>(n.precision())]; })
      .def_property_readonly("isa", [](const Net& n) { return n.kernels().isa; })
      .def_property_readonly("packed_bytes", &Net::packed_bytes)
      .def_property_readonly("container",
                             [](const Net& n) {
                               n.weights().check_unchanged();
                               const std::string_view all = n.weights().container;
                               return py::bytes(all.data(), all.size());
                             })
      .def("arrays", &arrays_of)
      .def(
          "score",
          [](const Net& net, const FloatArray& strokes,
             const py::array_t<std::int64_t, py::array::c_style>& offsets, int threads,
             const py::object& progress) {
            const CheckedDrawings drawings = drawings_from(strokes, offsets);
            check_threads(threads);
            return scores_from(drawings.rows.size(), progress,
                               [&](double* offset_nll, double* pen_nll, const Progress& report) {
                                 score(net, drawings.view(), threads, offset_nll, pen_nll, report);
                               });
          },
          py::arg("strokes").noconvert(), py::arg("offsets").noconvert(), py::arg("threads"),
          py::arg("progress"))
      .def(
          "forward",
          [](const Net& net, const FloatArray& strokes,
             const py::array_t<std::int64_t, py::array::c_style>& offsets, int threads) {
            const CheckedDrawings drawings = drawings_from(strokes, offsets);
            check_threads(threads);
            return predictions_from(drawings.rows.size(), static_cast<std::size_t>(net.outputs()),
                                    [&](float* z, const Progress& report) {
                                      forward(net, drawings.view(), threads, z, report);
                                    });
          },
          py::arg("strokes").noconvert(), py::arg("offsets").noconvert(), py::arg("threads"));

  py::class_<Stream> stream(m, "Stream");
  stream
      .def(py::init([](const std::shared_ptr<Net>& net, std::uint64_t seed, std::uint64_t index,
                       int threads) {
             return std::make_unique<Stream>(net, seed, index, check_threads(threads));
           }),
           py::arg("net"), py::arg("seed"), py::arg("index"), py::arg("threads") = 1)
      .def("generate", &generate_from, py::arg("prefix").noconvert(), py::arg("count"),
           py::arg("temperature"), py::arg("softmax_temperature"), py::arg("seed"),
           py::arg("index"), py::arg("max_len"), py::arg("threads"), py::arg("lanes"),
           py::arg("progress"));
  bind_stream(stream);

  // Points drawn from given head outputs: what the sampler does in every step, on its own.
  m.def(
      "sample",
      [](const FloatArray& z, std::size_t count, double temperature,
         std::optional<double> softmax_temperature, std::uint64_t seed) {
        if (z.ndim() != 1 || z.size() < 9 || (z.size() - 3) % 6 != 0)
          throw ArgumentError("z: expected an array of shape (3 + 6M,)");
        const int mixtures = static_cast<int>((z.size() - 3) / 6);
        check_count("size", count);
        const Temperature t = make_temperature(temperature, softmax_temperature);
        const Kernels& kernels = choose_kernels();
        std::unique_ptr<float[]> out(new float[count * 5]);
        sample(kernels, z.data(), mixtures, t, seed, count, out.get());
        return own(std::move(out), {static_cast<Index>(count), 5});
      },
      py::arg("z").noconvert(), py::arg("count"), py::arg("temperature"),
      py::arg("softmax_temperature"), py::arg("seed"));
  m.def(
      "log_density",
      [](const FloatArray& z, const py::array_t<double, py::array::c_style>& points) {
        if (points.ndim() != 2 || points.shape(1) != 2)
          throw ArgumentError("points: expected an array of shape (n, 2)");
        if (z.ndim() != 1 || z.size() < 9 || (z.size() - 3) % 6 != 0)
          throw ArgumentError("z: expected an array of shape (3 + 6M,)");
        py::array_t<double> out(points.shape(0));
        const double* p = points.data();
        double* o = out.mutable_data();
        for (Index i = 0; i < points.shape(0); ++i)
          o[i] =
              log_density(z.data(), static_cast<int>((z.size() - 3) / 6), p[2 * i], p[2 * i + 1]);
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
        simplify(points.data(), static_cast<std::size_t>(points.shape(0)), epsilon,
                 to_line ? Chord::kLine : Chord::kSegment, keep.mutable_data());
        return keep;
      },
      py::arg("points").noconvert(), py::arg("epsilon"), py::arg("to_line"));
  m.def("quantise_i8", &quantise_container, py::arg("container"), py::arg("what"));
  m.def(
      "philox4x32_10",
      [](std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
        return philox4x32_10(counter, key);
      },
      py::arg("counter"), py::arg("key"));
  bindings::bind_device(m);
  m.def("isas", [] {
    py::list out;
    for (const Isa& isa : isas())
      out.append(py::make_tuple(isa.name, isa.kernels != nullptr, isa.usable, isa.reason));
    return out;
  });
  m.def("running_isa", [] { return choose_kernels().isa; });
  m.def("compiler", [] {
#if defined(__clang__)
    return std::string("Clang ") + __clang_version__;
#else
    return std::string("GCC ") + __VERSION__;
#endif
  });
}
