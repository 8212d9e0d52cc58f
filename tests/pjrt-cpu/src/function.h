// How a function of the C API is written here: the body returns a status, and
// neither a failed status nor an exception leaves the plugin as anything but a
// PJRT_Error.
#pragma once

#include <exception>

#include "absl/strings/str_cat.h"
#include "src/error.h"

namespace pjrt_cpu {

template <typename Body>
PJRT_Error* Run(const char* name, size_t given, size_t expected, Body body) {
  if (given < expected) {
    return ErrorOf(absl::InvalidArgumentError(
        absl::StrCat(name, "_Args.struct_size is ", given, ", expected at least ", expected)));
  }
  try {
    return ErrorOf(body());
  } catch (const std::exception& error) {
    return ErrorOf(absl::InternalError(absl::StrCat(name, ": ", error.what())));
  }
}

}  // namespace pjrt_cpu

#define PJRT_CPU_FUNCTION(name)                                                     \
  static absl::Status name##_Body(name##_Args* args);                               \
  PJRT_Error* name(name##_Args* args) {                                             \
    return Run(#name, args->struct_size, name##_Args_STRUCT_SIZE,                   \
               [args] { return name##_Body(args); });                               \
  }                                                                                 \
  static absl::Status name##_Body([[maybe_unused]] name##_Args* args)
