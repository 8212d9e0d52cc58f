#include "src/element_type.h"
#include "src/function.h"
#include "src/functions.h"
#include "src/objects.h"
#include "xla/literal.h"
#include "xla/shape_util.h"

namespace pjrt_cpu {
namespace {

absl::Status RefuseLayout(const PJRT_Buffer_MemoryLayout* layout) {
  if (layout == nullptr) return absl::OkStatus();
  return absl::UnimplementedError("this plugin knows only dense row-major layouts");
}

absl::StatusOr<PJRT_Buffer*> CopyTo(xla::PjRtMemorySpace* memory, PJRT_Buffer* from) {
  TF_ASSIGN_OR_RETURN(auto copy, from->buffer->CopyToMemorySpace(memory));
  return new PJRT_Buffer{std::move(copy), from->client};
}

}  // namespace

PJRT_CPU_FUNCTION(PJRT_Client_BufferFromHostBuffer) {
  TF_RETURN_IF_ERROR(RefuseLayout(args->device_layout));
  TF_ASSIGN_OR_RETURN(xla::PrimitiveType type, PrimitiveTypeOf(args->type));
  xla::PjRtMemorySpace* memory;
  if (args->memory != nullptr) {
    memory = args->memory->memory;
  } else {
    TF_ASSIGN_OR_RETURN(memory, args->device->device->default_memory_space());
  }
  std::optional<absl::Span<const int64_t>> strides;
  if (args->num_byte_strides > 0) strides.emplace(args->byte_strides, args->num_byte_strides);
  auto [promise, done] = xla::MakePromise<>();
  // The enumerators of both APIs stand in one order.
  const auto semantics =
      static_cast<xla::PjRtClient::HostBufferSemantics>(args->host_buffer_semantics);
  TF_ASSIGN_OR_RETURN(
      auto buffer,
      args->client->client->BufferFromHostBuffer(
          args->data, type, absl::MakeConstSpan(args->dims, args->num_dims), strides, semantics,
          [promise = std::move(promise)]() mutable { promise.Set(); }, memory,
          /*device_layout=*/nullptr));
  args->done_with_host_buffer = new PJRT_Event{std::move(done)};
  args->buffer = new PJRT_Buffer{std::move(buffer), args->client};
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_Destroy) {
  delete args->buffer;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_ElementType) {
  TF_ASSIGN_OR_RETURN(args->type, BufferTypeOf(args->buffer->buffer->element_type()));
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_Dimensions) {
  const auto dimensions = args->buffer->buffer->dimensions();
  args->dims = dimensions.data();
  args->num_dims = dimensions.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_OnDeviceSizeInBytes) {
  TF_ASSIGN_OR_RETURN(args->on_device_size_in_bytes,
                      args->buffer->buffer->GetOnDeviceSizeInBytes());
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_Device) {
  args->device = args->buffer->client->device_of.at(args->buffer->buffer->device());
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_Memory) {
  args->memory = args->buffer->client->memory_of.at(args->buffer->buffer->memory_space());
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_Delete) {
  args->buffer->buffer->Delete();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_IsDeleted) {
  args->is_deleted = args->buffer->buffer->IsDeleted();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_IsOnCpu) {
  args->is_on_cpu = args->buffer->buffer->IsOnCpu();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_CopyToDevice) {
  TF_ASSIGN_OR_RETURN(xla::PjRtMemorySpace * memory,
                      args->dst_device->device->default_memory_space());
  TF_ASSIGN_OR_RETURN(args->dst_buffer, CopyTo(memory, args->buffer));
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_CopyToMemory) {
  TF_ASSIGN_OR_RETURN(args->dst_buffer, CopyTo(args->dst_memory->memory, args->buffer));
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_ToHostBuffer) {
  TF_RETURN_IF_ERROR(RefuseLayout(args->host_layout));
  xla::PjRtBuffer& buffer = *args->src->buffer;
  const xla::Shape shape = xla::ShapeUtil::MakeShapeWithDescendingLayout(buffer.element_type(),
                                                                         buffer.dimensions());
  const size_t size = xla::ShapeUtil::ByteSizeOf(shape);
  if (args->dst == nullptr) {
    args->dst_size = size;
    return absl::OkStatus();
  }
  if (args->dst_size < size) {
    return absl::InvalidArgumentError(
        absl::StrCat("the buffer takes ", size, " bytes, dst_size is ", args->dst_size));
  }
  auto literal = std::make_shared<xla::MutableBorrowingLiteral>(
      static_cast<const char*>(args->dst), shape);
  xla::Future<> copied = buffer.ToLiteral(literal.get());
  // The literal only describes `dst`, but must live until the copy is done.
  copied.OnReady([literal](absl::Status) {});
  args->event = new PJRT_Event{std::move(copied)};
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Buffer_ReadyEvent) {
  args->event = new PJRT_Event{args->buffer->buffer->GetReadyFuture()};
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
