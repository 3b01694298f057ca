# syntax=docker/dockerfile:1
# Every image of this repository: docker build --build-arg IMAGE=operator -t kplug/operator .
# docker-bake.hcl builds all of them, for several platforms. What is in an image is what `pnpm build:image` makes.
ARG NODE=node:24-bookworm-slim

# The folder is JavaScript only, the same for every platform, so it is made once, on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE} AS build
WORKDIR /source
COPY . .
RUN npx -y pnpm@12 install --frozen-lockfile
ARG IMAGE
RUN npx -y pnpm@12 build:image "${IMAGE}" && mv "dist/image/${IMAGE}" /app

FROM ${NODE}
COPY --from=build /app /app
# No user of the base image; nothing in /app is writable to it.
USER 65532:65532
# The exec form: node is process 1 and gets SIGTERM. No shell is needed.
ENTRYPOINT ["node", "/app"]
