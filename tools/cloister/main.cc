// cloister: the command line. Everything about the surroundings (environment, terminals) is read
// here and handed on.

#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tools/cloister/command_line.h"
#include "tools/cloister/terminal.h"
#include "tools/cloister/verb.h"

int main(int argc, char** argv) {
  const char* const no_color = getenv("NO_COLOR");
  const char* const term = getenv("TERM");
  cloister::Session session;
  session.out = cloister::DetectTerminal(STDOUT_FILENO, no_color, term);
  session.err = cloister::DetectTerminal(STDERR_FILENO, no_color, term);
  session.environment = [](const std::string& name) {
    return static_cast<const char*>(getenv(name.c_str()));
  };
  return cloister::RunCommandLine(std::vector<std::string>(argv + 1, argv + argc), &session);
}
