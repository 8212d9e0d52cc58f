#include "src/function.h"
#include "src/functions.h"
#include "src/objects.h"

namespace pjrt_cpu {

PJRT_CPU_FUNCTION(PJRT_DeviceDescription_Id) {
  args->id = args->device_description->description->id();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_DeviceDescription_ProcessIndex) {
  args->process_index = args->device_description->description->process_index();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_DeviceDescription_Attributes) {
  args->num_attributes = 0;
  args->attributes = nullptr;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_DeviceDescription_Kind) {
  const auto kind = args->device_description->description->device_kind();
  args->device_kind = kind.data();
  args->device_kind_size = kind.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_DeviceDescription_DebugString) {
  const auto text = args->device_description->description->DebugString();
  args->debug_string = text.data();
  args->debug_string_size = text.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_DeviceDescription_ToString) {
  const auto text = args->device_description->description->ToString();
  args->to_string = text.data();
  args->to_string_size = text.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Device_GetDescription) {
  args->device_description = &args->device->description;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Device_IsAddressable) {
  args->is_addressable = args->device->device->IsAddressable();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Device_LocalHardwareId) {
  args->local_hardware_id = args->device->device->local_hardware_id().value();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Device_AddressableMemories) {
  args->memories = args->device->memories.data();
  args->num_memories = args->device->memories.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Device_DefaultMemory) {
  if (args->device->default_memory == nullptr) {
    return absl::NotFoundError("a device of another process has no memory here");
  }
  args->memory = args->device->default_memory;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Device_MemoryStats) {
  return absl::UnimplementedError("the CPU client keeps no memory statistics");
}

PJRT_CPU_FUNCTION(PJRT_Memory_Id) {
  args->id = args->memory->memory->id();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Memory_Kind) {
  const auto kind = args->memory->memory->kind();
  args->kind = kind.data();
  args->kind_size = kind.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Memory_DebugString) {
  const auto text = args->memory->memory->DebugString();
  args->debug_string = text.data();
  args->debug_string_size = text.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Memory_ToString) {
  const auto text = args->memory->memory->ToString();
  args->to_string = text.data();
  args->to_string_size = text.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Memory_AddressableByDevices) {
  args->devices = args->memory->devices.data();
  args->num_devices = args->memory->devices.size();
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
