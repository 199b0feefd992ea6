FROM golang:1.26 AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
ENV CGO_ENABLED=0 LDFLAGS="-s -w -X main.version=${VERSION}"

FROM source AS build-lameduckctl
RUN go build -trimpath -ldflags "${LDFLAGS}" -o /lameduckctl ./cmd/lameduckctl

FROM source AS build
RUN go build -trimpath -ldflags "${LDFLAGS}" -o /lameduck ./cmd/lameduck

# docker build --target lameduckctl: for the webhook (deploy/helm) and measure --in-cluster. For the
# API server it trusts the authority that the kubelet mounts, and no other. The public ones, which are
# Debian's, are for registries and for the URLs of measure.
FROM scratch AS lameduckctl
ARG VERSION=devel
LABEL org.opencontainers.image.title="lameduckctl" \
      org.opencontainers.image.description="Gives the pods of labelled namespaces a Lameduck" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build-lameduckctl /lameduckctl /lameduckctl
COPY --from=build-lameduckctl /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
# POST /mutate over TLS, and /livez /readyz /metrics.
EXPOSE 8443 8081
ENTRYPOINT ["/lameduckctl"]

# The default stage has only the program: it needs no shell, no certificates and no writable file
# system.
FROM scratch
ARG VERSION=devel
LABEL org.opencontainers.image.title="lameduck" \
      org.opencontainers.image.description="Keeps an app and its connections alive during termination, until load balancers have stopped routing to it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /lameduck /lameduck
USER 65532:65532
# The route, and /livez /readyz /metrics /hold. The control address is on loopback only.
EXPOSE 18080 18081
ENTRYPOINT ["/lameduck"]
