// Nets, streams and arrays on a GPU. Present in every build: without CUDA putting a net there
// raises.

#include "bindings/device.h"

#include <memory>
#include <utility>

#include "bindings/arrays.h"
#include "cuda/device.h"

namespace sketchrnn::bindings {
namespace {

using cuda::DeviceBatch;
using cuda::DeviceNet;
using cuda::DeviceStream;

// The structures of DLPack's C interface, version 0.8 (https://dmlc.github.io/dlpack).
struct DlTensor {
  void* data;
  std::int32_t device_type, device_id;
  std::int32_t ndim;
  std::uint8_t code, bits;
  std::uint16_t vector_lanes;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};
struct DlManaged {
  DlTensor tensor;
  void* context;
  void (*deleter)(DlManaged*);
};
constexpr std::int32_t kDlCuda = 2;
constexpr std::uint8_t kDlInt = 0, kDlFloat = 2;

// One array of a DeviceBatch, which it keeps alive.
struct DeviceArray {
  std::shared_ptr<const DeviceBatch> owner;
  int ordinal;
  void* data;
  std::vector<std::int64_t> shape;
  bool floats;  // float32, else int64

  py::tuple shape_tuple() const {
    py::tuple out(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) out[i] = shape[i];
    return out;
  }
};

py::capsule dlpack_of(const DeviceArray& array) {
  struct Held {
    DlManaged managed{};
    DeviceArray array;
  };
  auto held = std::make_unique<Held>();
  held->array = array;
  held->managed.tensor = {array.data,
                          kDlCuda,
                          array.ordinal,
                          static_cast<std::int32_t>(array.shape.size()),
                          array.floats ? kDlFloat : kDlInt,
                          static_cast<std::uint8_t>(array.floats ? 32 : 64),
                          1,
                          held->array.shape.data(),
                          nullptr,
                          0};
  held->managed.context = held.get();
  held->managed.deleter = [](DlManaged* managed) { delete static_cast<Held*>(managed->context); };
  // Whoever takes the tensor renames the capsule and calls the deleter himself.
  return py::capsule(&held.release()->managed, "dltensor", [](PyObject* capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor") == 0) return;
    auto* managed = static_cast<DlManaged*>(PyCapsule_GetPointer(capsule, "dltensor"));
    managed->deleter(managed);
  });
}

py::dict cuda_array_interface_of(const DeviceArray& array) {
  py::dict out;
  out["shape"] = array.shape_tuple();
  out["typestr"] = array.floats ? "<f4" : "<i8";
  out["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(array.data), false);
  out["strides"] = py::none();
  out["version"] = 3;
  return out;
}

py::dict facts_of(const cuda::DeviceInfo& device) {
  py::dict out;
  out["name"] = device.name;
  out["compute_capability"] = py::make_tuple(device.major, device.minor);
  out["multiprocessors"] = device.multiprocessors;
  out["memory"] = device.memory;
  out["usable"] = device.usable;
  out["reason"] = device.reason;
  return out;
}

// What both ways of drawing share: arguments, and no GIL meanwhile.
template <class DrawCall>
auto drawn(const FloatArray& prefix, const DrawOptions& options, const py::object& progress,
           DrawCall draw) {
  const std::vector<Row> given = rows_from(prefix, "partial");
  const Progress report = progress_from(progress);
  const py::gil_scoped_release release;
  return draw(given, options, report);
}

}  // namespace

void bind_device(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray")
      .def_property_readonly("shape", &DeviceArray::shape_tuple)
      .def_property_readonly("dtype",
                             [](const DeviceArray& a) { return a.floats ? "float32" : "int64"; })
      .def_property_readonly("__cuda_array_interface__", &cuda_array_interface_of)
      // All work is done when an array is handed out: no stream has to wait for another.
      .def(
          "__dlpack__",
          [](const DeviceArray& a, const py::object&, const py::object&, const py::object&,
             const py::object&) { return dlpack_of(a); },
          py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
          py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& a) { return py::make_tuple(kDlCuda, a.ordinal); });

  py::class_<DeviceNet, std::shared_ptr<DeviceNet>>(m, "DeviceNet")
      .def(py::init([](const std::shared_ptr<Net>& net, int ordinal) {
             const py::gil_scoped_release release;
             // Holders are of non-const objects; only const functions are bound.
             return std::const_pointer_cast<DeviceNet>(cuda::put_on_device(net, ordinal));
           }),
           py::arg("net"), py::arg("ordinal"))
      .def_property_readonly("ordinal", &DeviceNet::ordinal)
      .def_property_readonly("kernel_seconds", &DeviceNet::kernel_seconds)
      .def(
          "score",
          [](const DeviceNet& net, const FloatArray& strokes,
             const py::array_t<std::int64_t, py::array::c_style>& offsets, int threads,
             const py::object& progress) {
            const CheckedDrawings drawings = drawings_from(strokes, offsets);
            check_threads(threads);
            return scores_from(drawings.rows.size(), progress,
                               [&](double* offset_nll, double* pen_nll, const Progress& report) {
                                 cuda::score(net, drawings.view(), threads, offset_nll, pen_nll,
                                             report);
                               });
          },
          py::arg("strokes").noconvert(), py::arg("offsets").noconvert(), py::arg("threads"),
          py::arg("progress"))
      .def(
          "forward",
          [](const DeviceNet& net, const FloatArray& strokes,
             const py::array_t<std::int64_t, py::array::c_style>& offsets, int threads) {
            const CheckedDrawings drawings = drawings_from(strokes, offsets);
            check_threads(threads);
            return predictions_from(
                drawings.rows.size(), static_cast<std::size_t>(net.net().outputs()),
                [&](float* z, const Progress& report) { net.forward(drawings.view(), z, report); });
          },
          py::arg("strokes").noconvert(), py::arg("offsets").noconvert(), py::arg("threads"));

  py::class_<DeviceStream> stream(m, "DeviceStream");
  stream
      .def(py::init(
               [](const std::shared_ptr<DeviceNet>& net, std::uint64_t seed, std::uint64_t index) {
                 return std::make_unique<DeviceStream>(net, seed, index);
               }),
           py::arg("net"), py::arg("seed"), py::arg("index"))
      .def(
          "generate",
          [](DeviceStream& s, const FloatArray& prefix, std::size_t count, double temperature,
             std::optional<double> softmax_temperature, std::uint64_t seed, std::uint64_t index,
             std::size_t max_len, int threads, int lanes, const py::object& progress) {
            const DrawOptions options = draw_options(count, temperature, softmax_temperature, seed,
                                                     index, max_len, threads, lanes);
            return arrays_from(drawn(prefix, options, progress, [&](const auto&... arguments) {
              return s.draw(arguments...);
            }));
          },
          py::arg("prefix").noconvert(), py::arg("count"), py::arg("temperature"),
          py::arg("softmax_temperature"), py::arg("seed"), py::arg("index"), py::arg("max_len"),
          py::arg("threads"), py::arg("lanes"), py::arg("progress"))
      // The same, left in the GPU's memory.
      .def(
          "generate_there",
          [](DeviceStream& s, const FloatArray& prefix, std::size_t count, double temperature,
             std::optional<double> softmax_temperature, std::uint64_t seed, std::uint64_t index,
             std::size_t max_len, const py::object& progress) {
            const DrawOptions options =
                draw_options(count, temperature, softmax_temperature, seed, index, max_len, 1, 0);
            const std::shared_ptr<const DeviceBatch> batch =
                drawn(prefix, options, progress,
                      [&](const auto&... arguments) { return s.draw_there(arguments...); });
            const int ordinal = s.net().ordinal();
            // Read and write: whoever takes the arrays owns them.
            auto* const rows = const_cast<float*>(batch->rows());
            auto* const offsets = const_cast<std::int64_t*>(batch->offsets());
            const auto drawings = static_cast<std::int64_t>(batch->count());
            return py::make_tuple(DeviceArray{batch, ordinal, rows, {batch->total(), 5}, true},
                                  DeviceArray{batch, ordinal, offsets, {drawings + 1}, false});
          },
          py::arg("prefix").noconvert(), py::arg("count"), py::arg("temperature"),
          py::arg("softmax_temperature"), py::arg("seed"), py::arg("index"), py::arg("max_len"),
          py::arg("progress"));
  bind_stream(stream);

  // (compiled, {ordinal: facts}, why there is none).
  m.def("devices", [] {
    cuda::DeviceList list;
    {
      const py::gil_scoped_release release;  // the driver's first start takes a while
      list = cuda::devices();
    }
    py::dict found;
    for (const cuda::DeviceInfo& device : list.found)
      found[py::int_(device.ordinal)] = facts_of(device);
    return py::make_tuple(list.compiled, found, list.reason);
  });
}

}  // namespace sketchrnn::bindings
