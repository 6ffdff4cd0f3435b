// Arrays on a GPU, and which GPUs there are. Present in every build.

#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings/arrays.h"
#include "bindings/bindings.h"
#include "bindings/device_array.h"
#include "cuda/device.h"

namespace sketchrnn::bindings {
namespace {

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

// Freeing waits for the device, and whoever drops the last array may hold the GIL or not.
std::shared_ptr<const void> dropped_without_gil(std::shared_ptr<const void> owner) {
  const void* const memory = owner.get();
  return {memory, [owner = std::move(owner)](const void*) mutable {
            std::optional<py::gil_scoped_release> unlocked;
            if (PyGILState_Check() != 0) unlocked.emplace();
            owner.reset();
          }};
}

py::tuple shape_of(const DeviceArray& array) {
  py::tuple out(array.shape.size());
  for (std::size_t i = 0; i < array.shape.size(); ++i) out[i] = array.shape[i];
  return out;
}

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

// A consumer's stream need not wait: all work was done before the array was handed out, and so is a
// copy's. Throws BufferError for what this producer cannot give.
py::capsule dlpack_for(const DeviceArray& array, const std::optional<std::int64_t>& stream,
                       const std::optional<std::pair<std::int32_t, std::int32_t>>& device,
                       const std::optional<bool>& copy) {
  if (stream && (*stream < -1 || *stream == 0))
    throw py::value_error(
        "stream: expected None, -1 or a CUDA stream (1: legacy default, 2: per "
        "thread), found " +
        std::to_string(*stream));
  if (device && *device != std::pair{kDlCuda, static_cast<std::int32_t>(array.ordinal)})
    throw py::buffer_error("dl_device: expected (2, " + std::to_string(array.ordinal) +
                           "), found (" + std::to_string(device->first) + ", " +
                           std::to_string(device->second) + ")");
  if (!copy.value_or(false)) return dlpack_of(array);
  DeviceArray twin = array;
  std::size_t bytes = array.floats ? sizeof(float) : sizeof(std::int64_t);
  for (const std::int64_t n : array.shape) bytes *= static_cast<std::size_t>(n);
  {
    const Unlocked unlocked;
    const std::shared_ptr<void> copied = cuda::copied_on_device(array.ordinal, array.data, bytes);
    twin.data = copied.get();
    twin.owner = dropped_without_gil(copied);
  }
  return dlpack_of(twin);
}

py::dict cuda_array_interface_of(const DeviceArray& array) {
  py::dict out;
  out["shape"] = shape_of(array);
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

}  // namespace

py::tuple device_arrays_from(const std::shared_ptr<const DeviceBatch>& batch) {
  // Read and write: whoever takes the arrays owns them.
  auto* const rows = const_cast<float*>(batch->rows());
  auto* const offsets = const_cast<std::int64_t*>(batch->offsets());
  const auto drawings = static_cast<std::int64_t>(batch->count());
  const std::shared_ptr<const void> owner = dropped_without_gil(batch);
  return py::make_tuple(DeviceArray{owner, batch->ordinal(), rows, {batch->total(), 5}, true},
                        DeviceArray{owner, batch->ordinal(), offsets, {drawings + 1}, false});
}

void bind_device(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray")
      .def_property_readonly("shape", &shape_of)
      .def_property_readonly("dtype",
                             [](const DeviceArray& a) { return a.floats ? "float32" : "int64"; })
      .def_property_readonly("__cuda_array_interface__", &cuda_array_interface_of)
      .def(
          "__dlpack__",
          [](const DeviceArray& a, const std::optional<std::int64_t>& stream, const py::object&,
             const std::optional<std::pair<std::int32_t, std::int32_t>>& device,
             const std::optional<bool>& copy) { return dlpack_for(a, stream, device, copy); },
          py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
          py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& a) { return py::make_tuple(kDlCuda, a.ordinal); });

  // (compiled, {ordinal: facts}, why there is none).
  m.def("devices", [] {
    cuda::DeviceList list;
    {
      const Unlocked unlocked;  // the driver's first start takes a while
      list = cuda::devices();
    }
    py::dict found;
    for (const cuda::DeviceInfo& device : list.found)
      found[py::int_(device.ordinal)] = facts_of(device);
    return py::make_tuple(list.compiled, found, list.reason);
  });
}

}  // namespace sketchrnn::bindings
