#include "libs/plan/plan_files.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/field_violations.h"
#include "libs/chroot/root_layout.h"

namespace cloister::plan {
namespace {

using internal::GeneratedFile;

constexpr char kHosts[] = "/etc/hosts";
constexpr char kHostname[] = "/etc/hostname";
constexpr char kResolvConf[] = "/etc/resolv.conf";
// For a node that has none.
constexpr char kLoopback[] = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";

// The plain file of the root that a program finds at `inside`; empty if there is none.
std::string TargetOf(const std::string& inside, const node::NodeFacts& facts,
                     const internal::RootTemplate& root) {
  for (size_t i = 0; i < facts.etc_files.size(); ++i) {
    if (inside != node::kGeneratedFiles[i]) continue;
    const node::HostPath& found = facts.etc_files[i];
    if (found.kind != node::HostPath::Kind::kFile) return "";
    const std::string target = chroot::InsideOf(found.resolved, root);
    // A link of the node leads elsewhere in a root that has its directories in other places.
    return target == inside || target == found.resolved ? target : "";
  }
  return "";
}

// Debian's own way: an address of the loopback network that is not localhost's.
std::string HostsOf(const std::string& hostname, const node::NodeFacts& facts) {
  std::string text = facts.hosts_text.empty() ? kLoopback : facts.hosts_text;
  if (!absl::EndsWith(text, "\n")) absl::StrAppend(&text, "\n");
  const std::string first = hostname.substr(0, hostname.find('.'));
  absl::StrAppend(&text, "127.0.1.1 ", hostname);
  if (first != hostname) absl::StrAppend(&text, " ", first);
  return absl::StrCat(text, "\n");
}

std::string Lines(absl::string_view keyword, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) absl::StrAppend(&text, keyword, " ", value, "\n");
  return text;
}

// What of the node's file is kept: lines of what the task does not say itself.
std::string KeptLines(const task::Dns& dns, const node::NodeFacts& facts) {
  std::string text;
  for (absl::string_view line : absl::StrSplit(facts.resolv_conf_text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.empty()) continue;
    const bool search = words[0] == "search" || words[0] == "domain";
    if (!(words[0] == "nameserver" && dns.servers.empty()) && !(search && dns.searches.empty()) &&
        !(words[0] == "options" && dns.options.empty())) {
      continue;
    }
    absl::StrAppend(&text, absl::StrJoin(words, " "), "\n");
  }
  return text;
}

std::string ResolvConfOf(const task::Dns& dns, const node::NodeFacts& facts) {
  std::string text = Lines("nameserver", dns.servers);
  if (!dns.searches.empty())
    absl::StrAppend(&text, "search ", absl::StrJoin(dns.searches, " "), "\n");
  if (!dns.options.empty())
    absl::StrAppend(&text, "options ", absl::StrJoin(dns.options, " "), "\n");
  return absl::StrCat(text, KeptLines(dns, facts));
}

}  // namespace

absl::StatusOr<std::vector<GeneratedFile>> PlanFiles(const task::TaskSpec& spec,
                                                     const node::NodeFacts& facts,
                                                     const internal::RootTemplate& root) {
  std::vector<GeneratedFile> files;
  const auto add = [&](const char* inside, const std::string& content) {
    const std::string target = TargetOf(inside, facts, root);
    if (target.empty()) return false;
    files.emplace_back();
    files.back().set_inside(target);
    files.back().set_content(content);
    return true;
  };
  if (!spec.hostname().empty()) {
    add(kHosts, HostsOf(spec.hostname(), facts));
    add(kHostname, absl::StrCat(spec.hostname(), "\n"));
  }
  if (spec.dns().is_set && !add(kResolvConf, ResolvConfOf(spec.dns(), facts))) {
    return InvalidArgument(
        {{"config.dns", absl::StrCat("the task's root has no plain file ", kResolvConf,
                                     ", or one that a link leads to, for ours to go over")}});
  }
  return files;
}

}  // namespace cloister::plan
