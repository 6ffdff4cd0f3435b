// sketchrnn._core: the core's classes and functions over NumPy arrays.
//
// Here is only what needs to know both worlds: array layouts, who owns memory, the GIL, exceptions.
// Arguments have been made friendly (units, defaults, names) in Python, where the docstrings are.

#include <pybind11/pybind11.h>

#include <cstring>
#include <exception>

#include "bindings/bindings.h"
#include "error.h"
#include "kernels/isa.h"

namespace py = pybind11;

using namespace sketchrnn;

namespace {

// Messages quote file names and parts of files, which need not be UTF-8.
void set_python_error(py::handle type, const char* message) {
  const py::object text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(message, static_cast<py::ssize_t>(std::strlen(message)), "replace"));
  if (text) PyErr_SetObject(type.ptr(), text.ptr());
}

}  // namespace

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  // Now, under the import's lock: a fork during the first use of what is made once would leave the
  // child waiting for ever.
  (void)isas();
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

  bindings::bind_ndjson(m);
  bindings::bind_net(m);
  bindings::bind_arrow_out(m);
  bindings::bind_arrow_in(m);
  bindings::bind_device(m);
  bindings::bind_tools(m);
}
