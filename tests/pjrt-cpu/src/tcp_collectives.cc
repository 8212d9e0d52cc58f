#include "src/tcp_collectives.h"

#include "src/tcp_communicator.h"

namespace pjrt_cpu {

TcpCollectives::TcpCollectives(std::shared_ptr<Transport> transport)
    : transport_(std::move(transport)) {}

absl::StatusOr<std::vector<std::unique_ptr<xla::Communicator>>> TcpCollectives::CreateCommunicators(
    const xla::CliqueKey& clique, const std::optional<xla::CliqueIds>&,
    absl::Span<const DeviceRank> ranks, const Config&) {
  std::vector<int64_t> devices;
  for (xla::GlobalDeviceId device : clique.devices()) devices.push_back(device.value());
  std::vector<std::unique_ptr<xla::Communicator>> communicators;
  for (const DeviceRank& rank : ranks) {
    communicators.push_back(
        std::make_unique<TcpCommunicator>(transport_, devices, rank.rank.value()));
  }
  return communicators;
}

}  // namespace pjrt_cpu
