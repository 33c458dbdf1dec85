#include "tools/cloister/command_line.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/cloister/error_text.h"
#include "tools/cloister/exit_code.h"

namespace cloister {
namespace {

int Fail(const absl::Status& status, absl::string_view verb, int otherwise,
         const Session& session) {
  const std::string text = ErrorText(status, verb);
  const size_t sentence = text.find('\n');
  std::fputs(
      absl::StrCat(session.err.Paint(Color::kRed, text.substr(0, sentence)), text.substr(sentence))
          .c_str(),
      stderr);
  return ExitCodeOf(status, otherwise);
}

int Say(const std::string& text) { return Print(text).ok() ? 0 : kExitFailure; }

// The verb that `words` begin with, and how many words it takes; null if there is none.
std::pair<Verb*, size_t> FindVerb(const std::vector<std::unique_ptr<Verb>>& verbs,
                                  const std::vector<std::string>& words) {
  for (size_t taken : {2, 1}) {
    if (words.size() < taken) continue;
    const std::string name = absl::StrJoin(words.begin(), words.begin() + taken, " ");
    for (const std::unique_ptr<Verb>& verb : verbs) {
      if (verb->name() == name) return {verb.get(), taken};
    }
  }
  return {nullptr, 0};
}

absl::Status UnknownVerb(const std::vector<std::unique_ptr<Verb>>& verbs,
                         const std::vector<std::string>& words) {
  std::vector<std::string> names;
  std::vector<std::string> beneath;
  for (const std::unique_ptr<Verb>& verb : verbs) {
    names.emplace_back(verb->name());
    if (absl::StartsWith(verb->name(), absl::StrCat(words[0], " ")))
      beneath.emplace_back(verb->name());
  }
  if (!beneath.empty()) {
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat("'", words[0], "' needs a further word")),
        absl::StrCat("cloister ", absl::StrJoin(beneath, ", cloister ")));
  }
  const std::string nearest = NearestWord(words[0], names);
  absl::Status status = absl::InvalidArgumentError(absl::StrCat("unknown verb '", words[0], "'"));
  return nearest.empty() ? status : WithHint(status, absl::StrCat("cloister ", nearest));
}

// `cloister help [VERB]`, `cloister --help`.
int Help(const std::vector<std::unique_ptr<Verb>>& verbs, const std::vector<std::string>& words,
         Session* session) {
  if (words.empty()) return Say(OverviewHelp(verbs, session->out.columns));
  Verb* const verb = FindVerb(verbs, words).first;
  if (verb == nullptr) return Fail(UnknownVerb(verbs, words), "", kExitFailure, *session);
  return Say(VerbHelp(verb, session->out.columns));
}

int RunVerb(Verb* verb, const std::vector<std::string>& words, Session* session) {
  FlagSet flags;
  bool help = false;
  verb->DeclareFlags(&flags);
  session->server.Declare(&flags);
  flags.Switch("help", &help, "This text.", 'h');
  absl::StatusOr<std::vector<std::string>> arguments = flags.Parse(words);
  if (help) return Say(VerbHelp(verb, session->out.columns));
  if (!arguments.ok()) return Fail(arguments.status(), verb->name(), kExitBadInput, *session);
  absl::StatusOr<int> code = verb->Run(*arguments, session);
  if (!code.ok()) return Fail(code.status(), verb->name(), verb->failure_code(), *session);
  return *code;
}

}  // namespace

std::vector<std::unique_ptr<Verb>> AllVerbs() {
  std::vector<std::unique_ptr<Verb>> verbs;
  verbs.push_back(MakeRunVerb());
  verbs.push_back(MakePsVerb());
  verbs.push_back(MakeStatusVerb());
  verbs.push_back(MakeLogsVerb());
  verbs.push_back(MakeFsLsVerb());
  verbs.push_back(MakeFsCatVerb());
  verbs.push_back(MakeFsCpVerb());
  verbs.push_back(MakeWaitVerb());
  verbs.push_back(MakeStopVerb());
  verbs.push_back(MakeSignalVerb());
  verbs.push_back(MakeRmVerb());
  verbs.push_back(MakeExplainVerb());
  verbs.push_back(MakeValidateVerb());
  verbs.push_back(MakeJobInitVerb());
  verbs.push_back(MakeArtifactLsVerb());
  verbs.push_back(MakeArtifactFetchVerb());
  verbs.push_back(MakeArtifactPruneVerb());
  verbs.push_back(MakeNodeLsVerb());
  verbs.push_back(MakeNodeStatusVerb());
  verbs.push_back(MakeDevVerb());
  verbs.push_back(MakeDevStopVerb());
  verbs.push_back(MakeVersionVerb());
  return verbs;
}

int RunCommandLine(const std::vector<std::string>& words, Session* session) {
  std::vector<std::unique_ptr<Verb>> verbs = AllVerbs();
  verbs.push_back(MakeCompletionVerb(&verbs));
  FlagSet flags;
  bool help = false;
  bool version = false;
  session->server.Declare(&flags);
  flags.Switch("help", &help, "This text.", 'h');
  flags.Switch("version", &version, "The version.");
  flags.StopAtFirstArgument();
  absl::StatusOr<std::vector<std::string>> rest = flags.Parse(words);
  if (!rest.ok()) return Fail(rest.status(), "", kExitBadInput, *session);
  if (version) return RunVerb(FindVerb(verbs, {"version"}).first, {}, session);
  if (help) return Help(verbs, {}, session);
  if (rest->empty()) {
    std::fputs(OverviewHelp(verbs, session->err.columns).c_str(), stderr);
    return kExitBadInput;
  }
  if (rest->front() == "help") return Help(verbs, {rest->begin() + 1, rest->end()}, session);
  const auto [verb, taken] = FindVerb(verbs, *rest);
  if (verb == nullptr) return Fail(UnknownVerb(verbs, *rest), "", kExitBadInput, *session);
  return RunVerb(verb, {rest->begin() + taken, rest->end()}, session);
}

std::string OverviewHelp(const std::vector<std::unique_ptr<Verb>>& verbs, size_t columns) {
  std::string out =
      "Runs commands on a cluster's machines, each fenced in a root, namespaces and limits of its "
      "own.\n"
      "\n"
      "Usage: cloister VERB [flags] [arguments]\n"
      "\n"
      "Verbs:\n";
  size_t widest = 0;
  for (const std::unique_ptr<Verb>& verb : verbs) widest = std::max(widest, verb->name().size());
  for (const std::unique_ptr<Verb>& verb : verbs) {
    absl::StrAppend(&out, "  ", verb->name(), std::string(widest - verb->name().size() + 2, ' '),
                    verb->summary(), "\n");
  }
  FlagSet flags;
  ServerFlags server;
  server.Declare(&flags);
  absl::StrAppend(&out, "\nFlags of every verb:\n", flags.Help(columns),
                  "\nTo begin:\n"
                  "  cloister dev --dir /tmp/cloister --detach\n"
                  "  cloister run -- /bin/sh -c 'id; exit 7'\n"
                  "  cloister job init job.hcl; cloister run job.hcl\n"
                  "  cloister VERB --help\n");
  return out;
}

std::string VerbHelp(Verb* verb, size_t columns) {
  FlagSet flags;
  verb->DeclareFlags(&flags);
  std::string out = absl::StrCat("Usage: cloister ", verb->name(), " ", verb->arguments(), "\n\n",
                                 verb->summary(), ".\n");
  if (!verb->details().empty()) absl::StrAppend(&out, "\n", verb->details());
  if (!flags.flags().empty()) absl::StrAppend(&out, "\nFlags:\n", flags.Help(columns));
  FlagSet server_flags;
  ServerFlags server;
  server.Declare(&server_flags);
  absl::StrAppend(&out, "\nFlags of every verb:\n", server_flags.Help(columns));
  return out;
}

}  // namespace cloister
