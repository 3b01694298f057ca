# docker buildx bake                      every image, for the machine's own platform
# REGISTRY=example.org/kplug TAG=1.0.0 docker buildx bake --push release

variable "REGISTRY" {
  default = "kplug"
}

variable "TAG" {
  default = "dev"
}

group "default" {
  targets = ["image", "postgresql-server"]
}

group "release" {
  targets = ["image"]
}

target "image" {
  matrix = {
    image = ["operator", "database-table-sqlite", "database-table-postgresql", "database-table-mariadb"]
  }
  name      = image
  args      = { IMAGE = image }
  tags      = ["${REGISTRY}/${image}:${TAG}"]
  # Images for the machine's own engine can't have several platforms, nor attestations.
  platforms = TAG == "dev" ? [] : ["linux/amd64", "linux/arm64"]
  attest    = TAG == "dev" ? [] : ["type=provenance,mode=max", "type=sbom"]
}

# A server to try the example with. It has native programs, so it is for the builder's platform only.
target "postgresql-server" {
  args = { IMAGE = "postgresql-server" }
  tags = ["${REGISTRY}/postgresql-server:${TAG}"]
}
