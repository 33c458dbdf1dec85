// Of all attacks: as root, or as an ordinary user where CLOISTER_ATTACK_ROOTLESS says so.
#include <memory>

#include "gtest/gtest.h"
#include "tests/attack/attack_fixture.h"
#include "tests/testing/ordinary_user.h"

int main(int argc, char** argv) {
  std::unique_ptr<cloister::OrdinaryUser> user;
  if (cloister::IsRootless()) {
    cloister::OrdinaryUserOptions options;
    options.id = 12347;
    user = std::make_unique<cloister::OrdinaryUser>(options);
    // Taken from the environment before main: a report where only root may write.
    testing::GTEST_FLAG(output) = "";
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
