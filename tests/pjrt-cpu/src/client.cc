#include "src/cpu_client.h"
#include "src/create_options.h"
#include "src/function.h"
#include "src/functions.h"
#include "src/key_value_store.h"
#include "src/objects.h"

PJRT_Client::PJRT_Client(std::unique_ptr<xla::PjRtClient> wrapped) : client(std::move(wrapped)) {
  for (xla::PjRtDevice* device : client->devices()) {
    owned_devices.push_back(
        std::make_unique<PJRT_Device>(PJRT_Device{device, {&device->description()}}));
    device_of[device] = owned_devices.back().get();
    devices.push_back(owned_devices.back().get());
    if (device->IsAddressable()) addressable_devices.push_back(owned_devices.back().get());
  }
  for (xla::PjRtMemorySpace* memory : client->memory_spaces()) {
    owned_memories.push_back(std::make_unique<PJRT_Memory>(PJRT_Memory{memory}));
    memory_of[memory] = owned_memories.back().get();
    memories.push_back(owned_memories.back().get());
    for (xla::PjRtDevice* device : memory->devices()) {
      memories.back()->devices.push_back(device_of.at(device));
    }
  }
  for (PJRT_Device* device : addressable_devices) {
    for (xla::PjRtMemorySpace* memory : device->device->memory_spaces()) {
      device->memories.push_back(memory_of.at(memory));
    }
    auto memory = device->device->default_memory_space();
    if (memory.ok()) device->default_memory = memory_of.at(*memory);
  }
}

namespace pjrt_cpu {

PJRT_CPU_FUNCTION(PJRT_Client_Create) {
  TF_ASSIGN_OR_RETURN(CreateOptions options,
                      ReadCreateOptions(args->create_options, args->num_options));
  TF_ASSIGN_OR_RETURN(auto client, MakeCpuClient(options, KeyValueStore(*args)));
  args->client = new PJRT_Client(std::move(client));
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_Destroy) {
  delete args->client;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_PlatformName) {
  const auto name = args->client->client->platform_name();
  args->platform_name = name.data();
  args->platform_name_size = name.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_PlatformVersion) {
  const auto version = args->client->client->platform_version();
  args->platform_version = version.data();
  args->platform_version_size = version.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_ProcessIndex) {
  args->process_index = args->client->client->process_index();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_Devices) {
  args->devices = args->client->devices.data();
  args->num_devices = args->client->devices.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_AddressableDevices) {
  args->addressable_devices = args->client->addressable_devices.data();
  args->num_addressable_devices = args->client->addressable_devices.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_AddressableMemories) {
  args->addressable_memories = args->client->memories.data();
  args->num_addressable_memories = args->client->memories.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_LookupDevice) {
  TF_ASSIGN_OR_RETURN(xla::PjRtDevice * device,
                      args->client->client->LookupDevice(xla::PjRtGlobalDeviceId(args->id)));
  args->device = args->client->device_of.at(device);
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_LookupAddressableDevice) {
  TF_ASSIGN_OR_RETURN(xla::PjRtDevice * device,
                      args->client->client->LookupAddressableDevice(
                          xla::PjRtLocalDeviceId(args->local_hardware_id)));
  args->addressable_device = args->client->device_of.at(device);
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Client_DefaultDeviceAssignment) {
  const size_t size = static_cast<size_t>(args->num_replicas) * args->num_partitions;
  if (args->default_assignment_size < size) {
    return absl::InvalidArgumentError(absl::StrCat("default_assignment_size is ",
                                                   args->default_assignment_size,
                                                   ", must be at least ", size));
  }
  TF_ASSIGN_OR_RETURN(xla::DeviceAssignment assignment,
                      args->client->client->GetDefaultDeviceAssignment(args->num_replicas,
                                                                       args->num_partitions));
  int* out = args->default_assignment;
  for (int replica = 0; replica < args->num_replicas; ++replica) {
    for (int partition = 0; partition < args->num_partitions; ++partition) {
      *out++ = static_cast<int>(assignment(replica, partition));
    }
  }
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
