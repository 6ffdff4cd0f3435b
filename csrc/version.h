// The version as a text, from the public header, which alone states it.
#pragma once

#include "sketchrnn/sketchrnn.h"

namespace sketchrnn {

#define SKETCHRNN_TEXT_(x) #x
#define SKETCHRNN_TEXT(x) SKETCHRNN_TEXT_(x)
constexpr const char* kVersion = SKETCHRNN_TEXT(SKETCHRNN_VERSION_MAJOR) "." SKETCHRNN_TEXT(
    SKETCHRNN_VERSION_MINOR) "." SKETCHRNN_TEXT(SKETCHRNN_VERSION_PATCH);
#undef SKETCHRNN_TEXT
#undef SKETCHRNN_TEXT_

}  // namespace sketchrnn
