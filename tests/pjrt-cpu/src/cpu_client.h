#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "src/create_options.h"
#include "src/key_value_store.h"
#include "xla/pjrt/pjrt_client.h"

namespace pjrt_cpu {

// XLA's CPU client, with the devices of every process if there are several.
absl::StatusOr<std::unique_ptr<xla::PjRtClient>> MakeCpuClient(const CreateOptions& options,
                                                               const KeyValueStore& store);

}  // namespace pjrt_cpu
