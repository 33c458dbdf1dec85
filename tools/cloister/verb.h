// A verb of the command line and what it runs in. Each verb has one source file, verb_<name>.cc,
// and one maker below.
#ifndef CLOISTER_TOOLS_CLOISTER_VERB_H_
#define CLOISTER_TOOLS_CLOISTER_VERB_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "tools/cloister/client.h"
#include "tools/cloister/flags.h"
#include "tools/cloister/server_flags.h"
#include "tools/cloister/terminal.h"

namespace cloister {

struct Session {
  Terminal out;
  Terminal err;
  // Of the caller's environment; null when unset.
  std::function<const char*(const std::string&)> environment;
  ServerFlags server;

  absl::StatusOr<std::unique_ptr<Client>> Connect() const { return server.Connect(environment); }
  // A line on stderr, after "cloister: ".
  void Note(absl::string_view line) const;
};

class Verb {
 public:
  virtual ~Verb() = default;

  // As typed: "run", "node ls".
  virtual absl::string_view name() const = 0;
  // What follows the verb: "[flags] -- COMMAND [ARG...]".
  virtual absl::string_view arguments() const = 0;
  // One line for the list of verbs.
  virtual absl::string_view summary() const = 0;
  // Further lines of its own help.
  virtual absl::string_view details() const { return ""; }
  // What its arguments can be, for completion: "task" and "node" are ids of those, else the words.
  virtual absl::string_view completes() const { return ""; }
  // Of an error that is not bad input.
  virtual int failure_code() const;

  virtual void DeclareFlags(FlagSet* flags) = 0;
  // The exit code, or the error; `arguments` are the words that are no flags.
  virtual absl::StatusOr<int> Run(const std::vector<std::string>& arguments, Session* session) = 0;
};

std::unique_ptr<Verb> MakeDevVerb();
std::unique_ptr<Verb> MakeDevStopVerb();
std::unique_ptr<Verb> MakeRunVerb();
std::unique_ptr<Verb> MakePsVerb();
std::unique_ptr<Verb> MakeStatusVerb();
std::unique_ptr<Verb> MakeLogsVerb();
std::unique_ptr<Verb> MakeFsLsVerb();
std::unique_ptr<Verb> MakeFsCatVerb();
std::unique_ptr<Verb> MakeFsCpVerb();
std::unique_ptr<Verb> MakeWaitVerb();
std::unique_ptr<Verb> MakeStopVerb();
std::unique_ptr<Verb> MakeSignalVerb();
std::unique_ptr<Verb> MakeRmVerb();
std::unique_ptr<Verb> MakeExplainVerb();
std::unique_ptr<Verb> MakeValidateVerb();
std::unique_ptr<Verb> MakeJobInitVerb();
std::unique_ptr<Verb> MakeArtifactLsVerb();
std::unique_ptr<Verb> MakeArtifactFetchVerb();
std::unique_ptr<Verb> MakeArtifactPruneVerb();
std::unique_ptr<Verb> MakeNodeLsVerb();
std::unique_ptr<Verb> MakeNodeStatusVerb();
std::unique_ptr<Verb> MakeVersionVerb();
std::unique_ptr<Verb> MakeCompletionVerb(const std::vector<std::unique_ptr<Verb>>* verbs);

// Everything on stdout, or the reason why not.
absl::Status Print(absl::string_view text);
// Protobuf JSON with the API's own field names, defaults included, one document, ended by a
// newline.
absl::Status PrintJson(const google::protobuf::Message& message);

// INVALID_ARGUMENT unless there are that many; the message says what is missing or too much.
absl::Status ExpectArguments(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& names, size_t optional = 0);

}  // namespace cloister

#endif  // CLOISTER_TOOLS_CLOISTER_VERB_H_
