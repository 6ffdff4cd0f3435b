// The parts of _core, a file each.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "engine/device.h"

namespace sketchrnn::bindings {

// What Python holds as a net: the net and where it draws.
struct PlacedNet {
  std::shared_ptr<const Device> device;

  const Net& net() const { return *device->net(); }
};

void bind_ndjson(pybind11::module_& m);  // lines of QuickDraw's files
void bind_net(pybind11::module_& m);     // Net, DrawOptions, Stream
void bind_arrow(pybind11::module_& m);   // drawings as Arrow arrays, and back
void bind_device(pybind11::module_& m);  // DeviceArray, devices
void bind_tools(pybind11::module_& m);   // what needs no net

}  // namespace sketchrnn::bindings
