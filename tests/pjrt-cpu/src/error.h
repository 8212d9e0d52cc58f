#pragma once

#include "absl/status/status.h"
#include "xla/pjrt/c/pjrt_c_api.h"

struct PJRT_Error {
  absl::Status status;
};

namespace pjrt_cpu {

inline PJRT_Error* ErrorOf(absl::Status status) {
  return status.ok() ? nullptr : new PJRT_Error{std::move(status)};
}

}  // namespace pjrt_cpu
