#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "xla/core/collectives/reduction_kind.h"
#include "xla/xla_data.pb.h"

namespace pjrt_cpu {

// total[i] = total[i] (kind) operand[i] for `count` elements of `type`.
absl::Status Reduce(xla::PrimitiveType type, xla::ReductionKind kind, void* total,
                    const void* operand, size_t count);

}  // namespace pjrt_cpu
