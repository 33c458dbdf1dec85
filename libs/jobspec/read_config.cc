#include "libs/jobspec/read_config.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace cloister::jobspec {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

void AddAll(std::vector<std::string> texts, Texts* list) {
  for (std::string& text : texts) *list->Add() = std::move(text);
}

// Path of the next element of a list of blocks; its place is that of the block.
std::string NextElement(absl::string_view list, int size, const hcl::Block& block,
                        const Reading& reading) {
  std::string field = absl::StrCat("config.", list, "[", size, "]");
  reading.places->Add(field, block.head_range);
  return field;
}

void ReadRlimit(const hcl::Block& block, const Reading& reading, v1::ExecConfig* config) {
  const std::string field = NextElement("rlimits", config->rlimits_size(), block, reading);
  reading.places->Add(field + ".name", block.label_ranges.front());
  BlockReader reader("rlimit", block.body, reading);
  v1::Rlimit* rlimit = config->add_rlimits();
  rlimit->set_name(block.labels.front());
  rlimit->set_soft(reader.Text("soft", field + ".soft").value_or(""));
  rlimit->set_hard(reader.Text("hard", field + ".hard").value_or(""));
}

void ReadMount(const hcl::Block& block, const Reading& reading, v1::ExecConfig* config) {
  const std::string field = NextElement("mounts", config->mounts_size(), block, reading);
  BlockReader reader("mount", block.body, reading);
  v1::TaskMount* mount = config->add_mounts();
  mount->set_type(reader.Text("type", field + ".type").value_or(""));
  mount->set_source(reader.Text("source", field + ".source").value_or(""));
  mount->set_destination(
      reader.InterpolatedText("destination", field + ".destination").value_or(""));
  mount->set_read_only(reader.Bool("read_only", field + ".read_only").value_or(false));
  mount->set_noexec(reader.Bool("noexec", field + ".noexec").value_or(false));
  mount->set_size(reader.Integer("size", field + ".size").value_or(0));
  mount->set_mode(reader.Text("mode", field + ".mode").value_or(""));
}

void ReadDevice(const hcl::Block& block, const Reading& reading, v1::ExecConfig* config) {
  const std::string field = NextElement("devices", config->devices_size(), block, reading);
  BlockReader reader("device", block.body, reading);
  v1::Device* device = config->add_devices();
  device->set_host_path(reader.Text("host_path", field + ".host_path").value_or(""));
  device->set_task_path(reader.Text("task_path", field + ".task_path").value_or(""));
  device->set_permissions(reader.Text("permissions", field + ".permissions").value_or(""));
}

void ReadDns(const hcl::Block& block, const Reading& reading, v1::Dns* dns) {
  reading.places->Add("config.dns", block.head_range);
  BlockReader reader("dns", block.body, reading);
  AddAll(reader.TextList("servers", "config.dns.servers", false), dns->mutable_servers());
  AddAll(reader.TextList("searches", "config.dns.searches", false), dns->mutable_searches());
  AddAll(reader.TextList("options", "config.dns.options", false), dns->mutable_options());
}

// What the exec driver's page has.
void ReadPage(BlockReader* reader, v1::ExecConfig* config) {
  reader->Require("command");
  config->set_command(reader->InterpolatedText("command", "config.command").value_or(""));
  AddAll(reader->TextList("args", "config.args", /*interpolated=*/true), config->mutable_args());
  config->set_pid_mode(reader->Text("pid_mode", "config.pid_mode").value_or(""));
  config->set_ipc_mode(reader->Text("ipc_mode", "config.ipc_mode").value_or(""));
  AddAll(reader->TextList("cap_add", "config.cap_add", false), config->mutable_cap_add());
  AddAll(reader->TextList("cap_drop", "config.cap_drop", false), config->mutable_cap_drop());
  config->set_work_dir(reader->InterpolatedText("work_dir", "config.work_dir").value_or(""));
}

// What Cloister adds.
void ReadOurs(BlockReader* reader, v1::ExecConfig* config) {
  AddAll(reader->TextList("chroot_env", "config.chroot_env", false), config->mutable_chroot_env());
  if (const absl::optional<bool> init = reader->Bool("init", "config.init")) {
    config->set_init(*init);
  }
  config->set_root(reader->Text("root", "config.root").value_or(""));
  config->set_root_size(reader->Integer("root_size", "config.root_size").value_or(0));
  config->set_userns(reader->Text("userns", "config.userns").value_or(""));
  config->set_seccomp(reader->Text("seccomp", "config.seccomp").value_or(""));
  if (const absl::optional<bool> on = reader->Bool("landlock", "config.landlock")) {
    config->set_landlock(*on);
  }
  if (const absl::optional<bool> on = reader->Bool("no_new_privs", "config.no_new_privs")) {
    config->set_no_new_privs(*on);
  }
  if (const absl::optional<bool> on = reader->Bool("masked_paths", "config.masked_paths")) {
    config->set_masked_paths(*on);
  }
  config->set_hostname(reader->InterpolatedText("hostname", "config.hostname").value_or(""));
  config->set_oom_score_adj(
      static_cast<int32_t>(reader->Integer("oom_score_adj", "config.oom_score_adj").value_or(0)));
  config->set_shm_size(reader->Integer("shm_size", "config.shm_size").value_or(0));
  const Reading& reading = reader->reading();
  reader->ForEach("rlimit", [&](const hcl::Block& b) { ReadRlimit(b, reading, config); });
  reader->ForEach("mount", [&](const hcl::Block& b) { ReadMount(b, reading, config); });
  reader->ForEach("device", [&](const hcl::Block& b) { ReadDevice(b, reading, config); });
  if (const hcl::Block* dns = reader->content().AtMostOne("dns", *reading.diagnostics)) {
    ReadDns(*dns, reading, config->mutable_dns());
  }
}

}  // namespace

void ReadConfig(const hcl::Block& block, const Reading& reading, v1::ExecConfig* config) {
  BlockReader reader("config", block.body, reading);
  ReadPage(&reader, config);
  ReadOurs(&reader, config);
}

}  // namespace cloister::jobspec
