// Allocates and frees the one block behind SharedBytes.
#include "common/shared_bytes.h"

#include <cstring>
#include <memory>
#include <new>

namespace tako {

SharedBytes::SharedBytes(std::initializer_list<std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  void* memory = ::operator new(sizeof(Block) + size);
  block_ = std::construct_at(static_cast<Block*>(memory), Block{1, size});
  char* out = reinterpret_cast<char*>(block_ + 1);
  for (const std::string_view piece : pieces) {
    if (piece.empty()) continue;
    std::memcpy(out, piece.data(), piece.size());
    out += piece.size();
  }
}

void SharedBytes::release() noexcept {
  if (block_ != nullptr && --block_->count == 0) ::operator delete(block_);
  block_ = nullptr;
}

}  // namespace tako
