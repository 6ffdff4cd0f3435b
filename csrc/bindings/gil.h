// The GIL given up around the core's work, and taken again to ask Python whether to go on.
//
// A daemon thread that asks for the GIL of an interpreter which is shutting down gets none: Python
// up to 3.13 ends the thread by pthread_exit, which glibc carries out by unwinding the stack, and
// unwinding into a destructor or into pybind11's catch (...) would abort the process. Such a thread
// sleeps here until the process is gone, as Python 3.14 has all of them do.
#pragma once

#include <pybind11/pybind11.h>

#include <cxxabi.h>

#include <chrono>
#include <cstddef>
#include <thread>

#include "progress.h"

namespace sketchrnn::bindings {

namespace py = pybind11;

class Unlocked {
 public:
  // `callback`: what Python calls with what is done, or None. Kept by reference.
  explicit Unlocked(const py::object& callback = py::none())
      : callback_(callback.is_none() ? nullptr : callback.ptr()), state_(PyEval_SaveThread()) {}

  ~Unlocked() {
#if defined(__GLIBCXX__)
    try {
      PyEval_RestoreThread(state_);
    } catch (const abi::__forced_unwind&) {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
#else
    PyEval_RestoreThread(state_);
#endif
  }

  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

  // Lets Python handle signals, and calls the callback. Good as long as this object.
  Progress progress() {
    return [this](std::size_t done) { return report(done); };
  }

 private:
  // Between taking the GIL and giving it up nothing has a destructor: when the thread is ended
  // there, it does not hold the GIL and may touch no object.
  bool report(std::size_t done) {
    PyEval_RestoreThread(state_);
    if (PyErr_CheckSignals() == 0 && (callback_ == nullptr || call(done))) {
      PyEval_SaveThread();
      return true;
    }
    const py::error_already_set error;
    PyEval_SaveThread();
    throw error;  // NOLINT(misc-throw-by-value-catch-by-reference): made while the GIL was held
  }

  bool call(std::size_t done) const {
    PyObject* const number = PyLong_FromSize_t(done);
    if (number == nullptr) return false;
    PyObject* const result = PyObject_CallFunctionObjArgs(callback_, number, nullptr);
    Py_DECREF(number);
    Py_XDECREF(result);
    return result != nullptr;
  }

  PyObject* callback_;
  PyThreadState* state_;
};

}  // namespace sketchrnn::bindings
