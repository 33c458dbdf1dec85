#include "libs/task/request_digest.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "libs/task/sha256.h"

namespace cloister::task {

std::string RequestDigest(absl::string_view external_id, const v1::TaskConfig& config) {
  std::string bytes =
      absl::StrCat("cloister start request\n", external_id.size(), "\n", external_id);
  {
    google::protobuf::io::StringOutputStream sink(&bytes);
    google::protobuf::io::CodedOutputStream stream(&sink);
    // Maps have no order of their own; SerializeAsString may give the same map differently twice.
    stream.SetSerializationDeterministic(true);
    config.SerializeToCodedStream(&stream);
  }
  return Sha256(bytes);
}

}  // namespace cloister::task
