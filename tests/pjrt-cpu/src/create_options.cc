#include "src/create_options.h"

#include <cstdlib>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace pjrt_cpu {
namespace {

int64_t DefaultDeviceCount() {
  const char* text = std::getenv("PJRT_CPU_DEVICES");
  int64_t count;
  return text != nullptr && absl::SimpleAtoi(text, &count) ? count : 8;
}

int64_t* FieldOf(CreateOptions& options, std::string_view name) {
  if (name == "device_count") return &options.device_count;
  if (name == "node_id") return &options.node_id;
  if (name == "num_nodes") return &options.num_nodes;
  if (name == "collective_timeout_ms") return &options.collective_timeout_ms;
  return nullptr;
}

}  // namespace

absl::StatusOr<CreateOptions> ReadCreateOptions(const PJRT_NamedValue* values, size_t count) {
  CreateOptions options{DefaultDeviceCount()};
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name(values[i].name, values[i].name_size);
    int64_t* field = FieldOf(options, name);
    if (field == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no create option '", name,
          "'; there are device_count, node_id, num_nodes and collective_timeout_ms"));
    }
    if (values[i].type != PJRT_NamedValue_kInt64) {
      return absl::InvalidArgumentError(absl::StrCat("create option '", name, "' must be int64"));
    }
    *field = values[i].int64_value;
  }
  if (options.device_count < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("device_count is ", options.device_count, ", must be at least 1"));
  }
  if (options.num_nodes < 1 || options.node_id < 0 || options.node_id >= options.num_nodes) {
    return absl::InvalidArgumentError(absl::StrCat("node_id ", options.node_id,
                                                   " is not one of ", options.num_nodes, " nodes"));
  }
  return options;
}

}  // namespace pjrt_cpu
