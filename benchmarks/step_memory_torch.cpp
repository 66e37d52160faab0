// libtorch's part of step_memory.
#include <c10/core/CPUAllocator.h>
#include <torch/torch.h>

#include "step_memory.hpp"

namespace lib = torch;
#include "models.hpp"

namespace bench {
namespace {

/// libtorch's own allocator, with a count.
class CountingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) const override {
    live += bytes;
    peak = std::max(peak, live);
    auto* block = new Block{c10::GetDefaultCPUAllocator()->allocate(bytes), bytes};
    return {block->memory.get(), block, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }

  static std::size_t live, peak;

 private:
  struct Block {
    c10::DataPtr memory;
    std::size_t bytes;
  };
  static void release(void* block) {
    auto* given = static_cast<Block*>(block);
    live -= given->bytes;
    delete given;
  }
};
std::size_t CountingAllocator::live = 0;
std::size_t CountingAllocator::peak = 0;

class TorchMemory : public MemoryContender {
 public:
  TorchMemory() { c10::SetCPUAllocator(&counting_, 1); }
  std::unique_ptr<Contender> make(const Case& c) override {
    at::set_num_threads(1);
    return std::make_unique<TrainingStep>(c);
  }
  void reset() override { CountingAllocator::peak = CountingAllocator::live; }
  std::int64_t peak() override { return static_cast<std::int64_t>(CountingAllocator::peak); }

 private:
  CountingAllocator counting_;
};

}  // namespace
std::unique_ptr<MemoryContender> make_torch_memory() { return std::make_unique<TorchMemory>(); }
}  // namespace bench
