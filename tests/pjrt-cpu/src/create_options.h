#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "xla/pjrt/c/pjrt_c_api.h"

namespace pjrt_cpu {

// The named values of PJRT_Client_Create.
struct CreateOptions {
  int64_t device_count;  // devices of this process; PJRT_CPU_DEVICES, else 8
  int64_t node_id = 0;
  int64_t num_nodes = 1;
  // How long a device waits for another in a collective, and a process for the
  // others at the start.
  int64_t collective_timeout_ms = 60'000;
};

absl::StatusOr<CreateOptions> ReadCreateOptions(const PJRT_NamedValue* values, size_t count);

}  // namespace pjrt_cpu
