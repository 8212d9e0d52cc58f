#include "src/reduce.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "xla/types.h"

namespace pjrt_cpu {
namespace {

template <typename T>
T Combine(xla::ReductionKind kind, T a, T b) {
  switch (kind) {
    case xla::ReductionKind::SUM:
      return static_cast<T>(a + b);
    case xla::ReductionKind::PRODUCT:
      return static_cast<T>(a * b);
    case xla::ReductionKind::MIN:
      return std::min(a, b);
    case xla::ReductionKind::MAX:
      return std::max(a, b);
  }
}

template <typename T>
absl::Status ReduceAs(xla::ReductionKind kind, void* total, const void* operand, size_t count) {
  T* totals = static_cast<T*>(total);
  const T* operands = static_cast<const T*>(operand);
  for (size_t i = 0; i < count; ++i) totals[i] = Combine(kind, totals[i], operands[i]);
  return absl::OkStatus();
}

}  // namespace

absl::Status Reduce(xla::PrimitiveType type, xla::ReductionKind kind, void* total,
                    const void* operand, size_t count) {
  switch (type) {
    // Sum and product of booleans, cast back, are "or" and "and".
    case xla::PRED:
      return ReduceAs<bool>(kind, total, operand, count);
    case xla::S8:
      return ReduceAs<int8_t>(kind, total, operand, count);
    case xla::U8:
      return ReduceAs<uint8_t>(kind, total, operand, count);
    case xla::S32:
      return ReduceAs<int32_t>(kind, total, operand, count);
    case xla::U32:
      return ReduceAs<uint32_t>(kind, total, operand, count);
    case xla::S64:
      return ReduceAs<int64_t>(kind, total, operand, count);
    case xla::U64:
      return ReduceAs<uint64_t>(kind, total, operand, count);
    case xla::F16:
      return ReduceAs<xla::half>(kind, total, operand, count);
    case xla::BF16:
      return ReduceAs<xla::bfloat16>(kind, total, operand, count);
    case xla::F32:
      return ReduceAs<float>(kind, total, operand, count);
    case xla::F64:
      return ReduceAs<double>(kind, total, operand, count);
    default:
      return absl::UnimplementedError(
          absl::StrCat("reduction of ", xla::PrimitiveType_Name(type), " over processes"));
  }
}

}  // namespace pjrt_cpu
