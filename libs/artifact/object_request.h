// The HTTP requests that fetch an object of S3 or of Google Cloud Storage. Pure.
#ifndef CLOISTER_LIBS_ARTIFACT_OBJECT_REQUEST_H_
#define CLOISTER_LIBS_ARTIFACT_OBJECT_REQUEST_H_

#include "absl/status/statusor.h"
#include "libs/artifact/artifact_source.h"
#include "libs/artifact/credential.h"
#include "libs/artifact/download.h"

namespace cloister::artifact {

// GetObject, path or virtual-host style, of one version where it is named. Signed with Signature
// Version 4 by a kAws credential; without a credential as a public object. INVALID_ARGUMENT for
// another kind, or a key that cannot be signed.
absl::StatusOr<HttpRequest> S3Request(const S3Object& object, const Credential& credential);

// Of the XML API, of one generation where it is named; kBearer or none.
absl::StatusOr<HttpRequest> GcsRequest(const GcsObject& object, const Credential& credential);

}  // namespace cloister::artifact

#endif  // CLOISTER_LIBS_ARTIFACT_OBJECT_REQUEST_H_
