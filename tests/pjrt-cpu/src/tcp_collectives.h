#pragma once

#include <memory>
#include <vector>

#include "src/transport.h"
#include "xla/backends/cpu/collectives/cpu_collectives.h"

namespace pjrt_cpu {

// Collectives over devices of several processes, in place of the in-process
// ones: the wheel exports neither Gloo's nor MPI's.
class TcpCollectives : public xla::cpu::CpuCollectives {
 public:
  explicit TcpCollectives(std::shared_ptr<Transport> transport);

  absl::StatusOr<std::vector<std::unique_ptr<xla::Communicator>>> CreateCommunicators(
      const xla::CliqueKey& clique, const std::optional<xla::CliqueIds>& ids,
      absl::Span<const DeviceRank> ranks, const Config& config) override;

 private:
  const std::shared_ptr<Transport> transport_;
};

}  // namespace pjrt_cpu
