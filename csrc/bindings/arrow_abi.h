// The structs of Arrow's C data interface and C stream interface, as its specification lays them
// out in memory: https://arrow.apache.org/docs/format/CDataInterface.html.
#pragma once

#include <cstdint>

namespace sketchrnn::bindings {

// What an array is: its type in `format`, a name, its children.
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

constexpr std::int64_t kArrowNullable = 2;

// Its memory. Whoever holds a struct whose release is not null must call that once.
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
  int (*get_next)(ArrowArrayStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

template <class T>
void release(T* one) {
  if (one->release != nullptr) one->release(one);
}

// What the capsules that hold them are called:
// https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html.
constexpr const char* kArrowSchemaName = "arrow_schema";
constexpr const char* kArrowArrayName = "arrow_array";
constexpr const char* kArrowStreamName = "arrow_array_stream";

}  // namespace sketchrnn::bindings
