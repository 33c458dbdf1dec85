// From the words of a command line to the verb and its exit code: flags before and after the verb,
// help, and errors in words.
#ifndef CLOISTER_TOOLS_CLOISTER_COMMAND_LINE_H_
#define CLOISTER_TOOLS_CLOISTER_COMMAND_LINE_H_

#include <memory>
#include <string>
#include <vector>

#include "tools/cloister/verb.h"

namespace cloister {

// In the order of the overview.
std::vector<std::unique_ptr<Verb>> AllVerbs();

// `words` without the program's name. What is said goes to stdout, errors to stderr.
int RunCommandLine(const std::vector<std::string>& words, Session* session);

// Help texts, at most session.out.columns wide.
std::string OverviewHelp(const std::vector<std::unique_ptr<Verb>>& verbs, size_t columns);
std::string VerbHelp(Verb* verb, size_t columns);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_COMMAND_LINE_H_
