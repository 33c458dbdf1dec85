// Server reflection, by which grpcurl and the like learn what a server serves: v1 and v1alpha.
//
// Ours and not libgrpc++_reflection: that one is synchronous, so that each open stream holds a
// thread, goes round the authorizer, knows v1alpha only, and shows every proto that is linked in.

#ifndef CLOISTER_LIBS_RPC_REFLECTION_SERVICE_H_
#define CLOISTER_LIBS_RPC_REFLECTION_SERVICE_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/server_callback.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "libs/rpc/drain_signal.h"

namespace cloister::rpc {

// What can be learnt: these services, their files with what those import, and the details that
// errors carry. Immutable.
class ReflectionCatalog {
 public:
  // Full names of services whose descriptors are linked in.
  explicit ReflectionCatalog(std::vector<std::string> services);

  grpc::reflection::v1::ServerReflectionResponse Answer(
      const grpc::reflection::v1::ServerReflectionRequest& request) const;

 private:
  void Show(const google::protobuf::FileDescriptor* file);
  const google::protobuf::FileDescriptor* FileOfSymbol(const std::string& symbol) const;
  void AnswerFile(const google::protobuf::FileDescriptor* file, absl::string_view what,
                  grpc::reflection::v1::ServerReflectionResponse* response) const;
  void AnswerExtensions(const std::string& type,
                        grpc::reflection::v1::ServerReflectionResponse* response) const;

  const std::vector<std::string> services_;
  std::set<const google::protobuf::FileDescriptor*> shown_;
};

// Both versions over one catalog, which they outlive neither; `drain` ends their streams.
class ReflectionServiceV1 final : public grpc::reflection::v1::ServerReflection::CallbackService {
 public:
  ReflectionServiceV1(const ReflectionCatalog* catalog, DrainSignal* drain)
      : catalog_(catalog), drain_(drain) {}
  grpc::ServerBidiReactor<grpc::reflection::v1::ServerReflectionRequest,
                          grpc::reflection::v1::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  const ReflectionCatalog* const catalog_;
  DrainSignal* const drain_;
};

class ReflectionServiceV1Alpha final
    : public grpc::reflection::v1alpha::ServerReflection::CallbackService {
 public:
  ReflectionServiceV1Alpha(const ReflectionCatalog* catalog, DrainSignal* drain)
      : catalog_(catalog), drain_(drain) {}
  grpc::ServerBidiReactor<grpc::reflection::v1alpha::ServerReflectionRequest,
                          grpc::reflection::v1alpha::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  const ReflectionCatalog* const catalog_;
  DrainSignal* const drain_;
};

}  // namespace cloister::rpc

#endif  // CLOISTER_LIBS_RPC_REFLECTION_SERVICE_H_
