// The part of _core that is about GPUs.
#pragma once

#include <pybind11/pybind11.h>

namespace sketchrnn::bindings {

void bind_device(pybind11::module_& m);

}  // namespace sketchrnn::bindings
