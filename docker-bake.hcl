# docker buildx bake                      all images, for the platform of this machine
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
  # The local image store supports neither several platforms nor attestations.
  platforms = TAG == "dev" ? [] : ["linux/amd64", "linux/arm64"]
  attest    = TAG == "dev" ? [] : ["type=provenance,mode=max", "type=sbom"]
}

# Database server for the example. It contains native programs, so it is built only for the platform of the builder.
target "postgresql-server" {
  args = { IMAGE = "postgresql-server" }
  tags = ["${REGISTRY}/postgresql-server:${TAG}"]
}
