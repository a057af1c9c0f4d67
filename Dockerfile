# The sidecar image: one binary on distroless Debian. No shell, no package manager.
#
#   docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" -t k8s-nlb-registrator-sidecar .
#
# A release gives each base image its digest as well (DENO_DIGEST=@sha256:…), and the image says
# them in its labels; by default the tag alone decides.
ARG DENO=2.9.6
ARG DENO_DIGEST=
ARG RUNTIME=nonroot
ARG RUNTIME_DIGEST=

# Deno compiles for other processors too, so nothing here is emulated. Only a program for this
# processor can make its cache of compiled code here, by one run.
FROM --platform=$BUILDPLATFORM docker.io/denoland/deno:${DENO}${DENO_DIGEST} AS build
ARG BUILDARCH
ARG TARGETARCH
ARG COMMIT=
WORKDIR /src
COPY . .
RUN case "$TARGETARCH" in \
      amd64) target=x86_64-unknown-linux-gnu ;; \
      arm64) target=aarch64-unknown-linux-gnu ;; \
      *) echo "TARGETARCH is \"$TARGETARCH\": it has to be amd64 or arm64" >&2; exit 1 ;; \
    esac \
    && mkdir -p /out/cache \
    && if [ "$TARGETARCH" = "$BUILDARCH" ]; then cached=--code-cache; fi \
    && STD_SOURCE=npm deno task compile --commit "$COMMIT" --target "$target" --outdir /out $cached \
    && mv "/out/k8s-nlb-registrator-sidecar-$target" /out/k8s-nlb-registrator-sidecar \
    && if [ -n "$cached" ]; then TMPDIR=/out/cache /out/k8s-nlb-registrator-sidecar -version; fi \
    && chmod -R a=rX /out/cache

# "cc": the binary needs libgcc_s.
FROM gcr.io/distroless/cc-debian12:${RUNTIME}${RUNTIME_DIGEST}
ARG COMMIT=
ARG VERSION=
ARG SOURCE=
ARG DENO
ARG DENO_DIGEST
ARG RUNTIME
ARG BASE_DIGEST=
LABEL org.opencontainers.image.title="k8s-nlb-registrator-sidecar" \
      org.opencontainers.image.description="Registers a pod with AWS Network Load Balancer target groups, and deregisters it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:${RUNTIME}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}" \
      k8s-nlb-registrator-sidecar.compiled-in="docker.io/denoland/deno:${DENO}${DENO_DIGEST}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
# The SDK needs a home folder; a user ID that is not in /etc/passwd has none.
ENV HOME=/home/nonroot
COPY --from=build /out/k8s-nlb-registrator-sidecar /k8s-nlb-registrator-sidecar
# The program's compiled code: read at the start, writable by root only. An image that was built on
# another processor has none.
COPY --from=build --chown=0:0 /out/cache /var/cache/k8s-nlb-registrator-sidecar
ENV TMPDIR=/var/cache/k8s-nlb-registrator-sidecar
# By number, so that Kubernetes can tell that it is not root; any other user will do as well.
USER 65532:65532
ENTRYPOINT ["/k8s-nlb-registrator-sidecar"]
