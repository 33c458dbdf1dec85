#include "libs/base/page_buffer.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "gtest/gtest.h"

namespace cloister {
namespace {

TEST(PageBufferTest, BeginsWhereAPageDoes) {
  for (size_t size : {1, 100, 4096, 131072, 1000000}) {
    const PageBuffer buffer(size);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 4096, 0u);
    std::memset(buffer.data(), 1, size);
  }
}

TEST(PageBufferTest, Moves) {
  PageBuffer first(10);
  char* const data = first.data();
  const PageBuffer second = std::move(first);
  EXPECT_EQ(second.data(), data);
}

}  // namespace
}  // namespace cloister
