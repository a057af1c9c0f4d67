# The sidecar image: one binary on distroless Debian. No shell, no package manager.
#
#   docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" -t k8s-nlb-registrator-sidecar .
#
# A release gives each base image its digest as well (DENO_DIGEST=@sha256:…), so that the same
# source gives the same image; by default the tag alone decides.
ARG DENO=2.9.6
ARG DENO_DIGEST=
ARG RUNTIME=nonroot
ARG RUNTIME_DIGEST=

# Deno compiles for other processors too, so nothing here is emulated.
FROM --platform=$BUILDPLATFORM docker.io/denoland/deno:${DENO}${DENO_DIGEST} AS build
ARG TARGETARCH
ARG COMMIT=
# jsr or npm; without it the build asks whether JSR can be reached.
ARG STD_SOURCE=
WORKDIR /src
COPY . .
RUN case "$TARGETARCH" in \
      arm64) target=aarch64-unknown-linux-gnu ;; \
      *) target=x86_64-unknown-linux-gnu ;; \
    esac \
    && deno task compile --commit "$COMMIT" --target "$target" --outdir /out \
    && mv "/out/k8s-nlb-registrator-sidecar-$target" /out/k8s-nlb-registrator-sidecar

# "cc": the binary needs libgcc_s.
FROM gcr.io/distroless/cc-debian12:${RUNTIME}${RUNTIME_DIGEST}
ARG COMMIT=
ARG VERSION=
ARG SOURCE=
LABEL org.opencontainers.image.title="k8s-nlb-registrator-sidecar" \
      org.opencontainers.image.description="Registers a pod with AWS Network Load Balancer target groups, and leaves nothing behind" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
# The SDK looks for the user's home folder; a user id that /etc/passwd does not know has none.
ENV HOME=/home/nonroot
COPY --from=build /out/k8s-nlb-registrator-sidecar /k8s-nlb-registrator-sidecar
# By number, so that Kubernetes can tell that it is not root; any other user will do as well.
USER 65532:65532
ENTRYPOINT ["/k8s-nlb-registrator-sidecar"]
