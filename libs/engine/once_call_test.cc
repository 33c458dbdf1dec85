#include "libs/engine/once_call.h"

#include <memory>

#include "gtest/gtest.h"

namespace cloister::engine {
namespace {

TEST(OnceCallTest, CallsOnceAndLetsGo) {
  auto held = std::make_shared<int>(0);
  OnceCall call([held] { ++*held; });
  EXPECT_EQ(held.use_count(), 2);
  call.Run();
  EXPECT_EQ(held.use_count(), 1);
  call.Run();
  EXPECT_EQ(*held, 1);
}

TEST(OnceCallTest, MayBeRunByWhatItCalls) {
  OnceCall* self = nullptr;
  int times = 0;
  OnceCall call([&] {
    ++times;
    self->Run();
  });
  self = &call;
  call.Run();
  EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace cloister::engine
