#include "src/element_type.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace pjrt_cpu {
namespace {

constexpr std::pair<PJRT_Buffer_Type, xla::PrimitiveType> kTypes[] = {
    {PJRT_Buffer_Type_PRED, xla::PRED}, {PJRT_Buffer_Type_S8, xla::S8},
    {PJRT_Buffer_Type_S16, xla::S16},   {PJRT_Buffer_Type_S32, xla::S32},
    {PJRT_Buffer_Type_S64, xla::S64},   {PJRT_Buffer_Type_U8, xla::U8},
    {PJRT_Buffer_Type_U16, xla::U16},   {PJRT_Buffer_Type_U32, xla::U32},
    {PJRT_Buffer_Type_U64, xla::U64},   {PJRT_Buffer_Type_F16, xla::F16},
    {PJRT_Buffer_Type_F32, xla::F32},   {PJRT_Buffer_Type_F64, xla::F64},
    {PJRT_Buffer_Type_BF16, xla::BF16},
};

}  // namespace

absl::StatusOr<xla::PrimitiveType> PrimitiveTypeOf(PJRT_Buffer_Type type) {
  for (const auto& [buffer, primitive] : kTypes) {
    if (buffer == type) return primitive;
  }
  return absl::UnimplementedError(absl::StrCat("PJRT buffer type ", static_cast<int>(type)));
}

absl::StatusOr<PJRT_Buffer_Type> BufferTypeOf(xla::PrimitiveType type) {
  for (const auto& [buffer, primitive] : kTypes) {
    if (primitive == type) return buffer;
  }
  return absl::UnimplementedError(absl::StrCat("element type ", xla::PrimitiveType_Name(type)));
}

}  // namespace pjrt_cpu
