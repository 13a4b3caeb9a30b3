// SharedBytes: immutable bytes that many outboxes point to; copied never, counted without atomics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace tako {

// One allocation holds the count and the bytes; a handle is one pointer. The count is not atomic:
// all handles to the same bytes live on one thread, the loop's. (std::shared_ptr would pay two
// locked instructions per subscriber and message as soon as the process has a second thread.)
class SharedBytes {
 public:
  SharedBytes() noexcept = default;
  // Copies `bytes` once into a fresh buffer.
  explicit SharedBytes(std::string_view bytes) : SharedBytes({bytes}) {}
  // Joins the pieces into one fresh buffer.
  SharedBytes(std::initializer_list<std::string_view> pieces);

  SharedBytes(const SharedBytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) ++block_->count;
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() { release(); }

  [[nodiscard]] std::string_view view() const noexcept {
    return block_ == nullptr ? std::string_view()
                             : std::string_view(reinterpret_cast<const char*>(block_ + 1), size());
  }
  [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  // How many handles share these bytes; for tests and accounts.
  [[nodiscard]] std::size_t use_count() const noexcept {
    return block_ == nullptr ? 0 : block_->count;
  }

 private:
  struct Block {
    std::size_t count;
    std::size_t size;
  };
  void release() noexcept;

  Block* block_ = nullptr;
};

}  // namespace tako
