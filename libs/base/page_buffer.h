// PageBuffer: room to read into that begins where a page does. The kernel copies to such a place up
// to three times as fast as to one a few bytes into a page, which is where new puts what is large.
#ifndef CLOISTER_LIBS_BASE_PAGE_BUFFER_H_
#define CLOISTER_LIBS_BASE_PAGE_BUFFER_H_

#include <cstddef>
#include <memory>
#include <new>

namespace cloister {

class PageBuffer {
 public:
  explicit PageBuffer(size_t size)
      : data_(static_cast<char*>(::operator new(size, kAlignment))), size_(size) {}

  char* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  struct Free {
    void operator()(char* data) const { ::operator delete(data, kAlignment); }
  };

  std::unique_ptr<char, Free> data_;
  size_t size_;
};

}  // namespace cloister

#endif  // CLOISTER_LIBS_BASE_PAGE_BUFFER_H_
