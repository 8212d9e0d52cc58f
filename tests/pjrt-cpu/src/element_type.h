#pragma once

#include "absl/status/statusor.h"
#include "xla/pjrt/c/pjrt_c_api.h"
#include "xla/xla_data.pb.h"

namespace pjrt_cpu {

absl::StatusOr<xla::PrimitiveType> PrimitiveTypeOf(PJRT_Buffer_Type type);
absl::StatusOr<PJRT_Buffer_Type> BufferTypeOf(xla::PrimitiveType type);

}  // namespace pjrt_cpu
