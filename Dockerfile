# syntax=docker/dockerfile:1
# Builds any image of this repository: docker build --build-arg IMAGE=operator -t kplug/operator .
# docker-bake.hcl builds all of them, for several platforms. The content of each image is built by `pnpm build:image`.
ARG NODE=node:24-bookworm-slim

# The folder contains only JavaScript, the same for all platforms, so it is built once, on the platform of the builder.
FROM --platform=$BUILDPLATFORM ${NODE} AS build
WORKDIR /source
COPY . .
RUN npx -y pnpm@12 install --frozen-lockfile
ARG IMAGE
RUN npx -y pnpm@12 build:image "${IMAGE}" && mv "dist/image/${IMAGE}" /app

FROM ${NODE}
COPY --from=build /app /app
# A user that does not exist in the base image and cannot write to /app.
USER 65532:65532
# Exec form, so that node is process 1 and gets SIGTERM.
ENTRYPOINT ["node", "/app"]
