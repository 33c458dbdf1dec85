// What opens a source, as it is used: resolved from the node's secrets by name before, never part
// of a task's specification. Nothing prints it: no operator<<, no field of it in a Status.
#ifndef CLOISTER_LIBS_ARTIFACT_CREDENTIAL_H_
#define CLOISTER_LIBS_ARTIFACT_CREDENTIAL_H_

#include <string>

namespace cloister::artifact {

struct Credential {
  enum class Kind {
    kNone,
    kBasic,   // HTTP basic: `user`, `secret`. Also for git over https.
    kBearer,  // HTTP "Authorization: Bearer <secret>"; a GCS access token.
    kHeader,  // One HTTP header of its own: `user` is its name, `secret` its value.
    kAws,     // `user` is the access key id, `secret` the secret key, `session_token` may be set.
    kSshKey,  // `user` (empty: that of the source's URL, else "git"), `secret` the private key in
              // OpenSSH or PEM form, `passphrase` of it, `known_hosts` the pinned host keys.
  };
  Kind kind = Kind::kNone;
  std::string user;
  std::string secret;
  std::string session_token;
  std::string passphrase;
  // Lines of sshd(8) known_hosts, hashed or not. A host without a line is refused.
  std::string known_hosts;
};

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_CREDENTIAL_H_
