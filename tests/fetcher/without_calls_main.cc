// Runs the tests, and all that they start, where the system calls of CLOISTER_TEST_WITHOUT do not
// exist.
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"

int main(int argc, char** argv) {
  const char* const calls = getenv("CLOISTER_TEST_WITHOUT");
  if (calls != nullptr) {
    const std::string names = calls;
    std::vector<char*> words = {getenv("CLOISTER_TEST_WITHOUT_CALLS"),
                                const_cast<char*>(names.c_str())};
    words.insert(words.end(), argv, argv + argc);
    words.push_back(nullptr);
    unsetenv("CLOISTER_TEST_WITHOUT");
    execv(words[0], words.data());
    std::perror("without_calls");
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
