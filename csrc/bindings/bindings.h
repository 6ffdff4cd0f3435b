// The parts of _core, a file each.
#pragma once

#include <pybind11/pybind11.h>

namespace sketchrnn::bindings {

void bind_ndjson(pybind11::module_& m);     // lines of QuickDraw's files
void bind_net(pybind11::module_& m);        // Net, DrawOptions, Stream
void bind_arrow_out(pybind11::module_& m);  // drawings as Arrow arrays
void bind_arrow_in(pybind11::module_& m);   // and back
void bind_device(pybind11::module_& m);     // DeviceArray, devices
void bind_tools(pybind11::module_& m);      // what needs no net

}  // namespace sketchrnn::bindings
