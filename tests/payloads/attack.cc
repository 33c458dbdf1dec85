// attack VERB [ARGUMENT...]: what hostile tasks try; attack.h has the verbs.
#include "tests/payloads/attack.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

namespace {

using Verb = int (*)(int argc, char** argv);

constexpr struct {
  const char* name;
  Verb run;
} kVerbs[] = {
    {"reach", cloister::attack::Reach},      {"writable", cloister::attack::Writable},
    {"mounts", cloister::attack::Mounts},    {"hunt", cloister::attack::Hunt},
    {"signal", cloister::attack::Signal},    {"victim", cloister::attack::Victim},
    {"ipc-hold", cloister::attack::IpcHold}, {"ipc", cloister::attack::Ipc},
    {"flood", cloister::attack::Flood},      {"flip", cloister::attack::Flip},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) errx(2, "usage: attack VERB [ARGUMENT...]");
  for (const auto& verb : kVerbs) {
    if (strcmp(verb.name, argv[1]) != 0) continue;
    const int code = verb.run(argc - 2, argv + 2);
    fflush(stdout);
    return code;
  }
  errx(2, "%s: no such verb", argv[1]);
}
