#include "src/cpu_client.h"

#include <string>
#include <vector>

#include "src/tcp_collectives.h"
#include "xla/pjrt/plugin/xla_cpu/xla_cpu_pjrt_client.h"

// Declared in headers that need LLVM's.
namespace xla::cpu {
PjRtPlatformId PlatformId();
absl::string_view PlatformName();
absl::string_view PlatformVersion();
std::vector<std::string> DetectMachineAttributes();
}  // namespace xla::cpu

namespace pjrt_cpu {
namespace {

xla::CpuTopologyDescription TopologyOf(const std::vector<int64_t>& device_counts) {
  std::vector<xla::CpuTopology::CpuDevice> devices;
  for (size_t process = 0; process < device_counts.size(); ++process) {
    for (int64_t device = 0; device < device_counts[process]; ++device) {
      devices.push_back({static_cast<int>(process), static_cast<int>(device)});
    }
  }
  return xla::CpuTopologyDescription(xla::cpu::PlatformId(), xla::cpu::PlatformName(),
                                     xla::cpu::PlatformVersion(), std::move(devices),
                                     xla::cpu::DetectMachineAttributes());
}

}  // namespace

absl::StatusOr<std::unique_ptr<xla::PjRtClient>> MakeCpuClient(const CreateOptions& options,
                                                               const KeyValueStore& store) {
  xla::CpuClientOptions cpu;
  if (options.num_nodes == 1) {
    cpu.cpu_device_count = static_cast<int>(options.device_count);
    return xla::GetXlaPjrtCpuClient(std::move(cpu));
  }
  TF_ASSIGN_OR_RETURN(std::shared_ptr<Transport> transport, Transport::Meet(options, store));
  const xla::CpuTopologyDescription topology = TopologyOf(transport->device_counts());
  cpu.cpu_device_count = topology.cpu_topology().number_of_devices();
  cpu.process_id = static_cast<int>(options.node_id);
  cpu.topology = &topology;
  cpu.collectives = std::make_shared<TcpCollectives>(std::move(transport));
  return xla::GetXlaPjrtCpuClient(std::move(cpu));
}

}  // namespace pjrt_cpu
