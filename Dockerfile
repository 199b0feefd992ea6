FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /lameduck ./cmd/lameduck

# Nothing but the program: it needs no shell, no certificates, and no file that it can write to.
FROM scratch
ARG VERSION=devel
LABEL org.opencontainers.image.title="lameduck" \
      org.opencontainers.image.description="Keeps an app and its connections alive through a termination, until the load balancers have let go" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /lameduck /lameduck
USER 65532:65532
# What the network may reach: the route, and /livez /readyz /metrics /hold. The control address is on loopback only.
EXPOSE 18080 18081
ENTRYPOINT ["/lameduck"]
