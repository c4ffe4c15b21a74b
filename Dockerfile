# Two stages: the first builds and tests, the last holds the binary and what it links.
# Package names are in deploy/packages.txt alone; `./dev packages SECTION` lists them.
FROM docker.io/library/debian:bookworm-slim AS build
WORKDIR /src
COPY dev deploy/packages.txt /src/
RUN mkdir deploy && mv packages.txt deploy/ && apt-get update \
    && apt-get install -y --no-install-recommends $(./dev packages build) && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN cmake --preset release && cmake --build --preset release
RUN ctest --preset release -L unit

FROM docker.io/library/debian:bookworm-slim
COPY dev deploy/packages.txt /tmp/install/
RUN cd /tmp/install && mkdir deploy && mv packages.txt deploy/ && apt-get update \
    && apt-get install -y --no-install-recommends $(./dev packages run) \
    && rm -rf /var/lib/apt/lists/* /tmp/install \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin holdfast \
    && mkdir /data && chown holdfast /data && chmod 700 /data
COPY --from=build /src/build/release/bin/holdfastd /usr/local/bin/holdfastd
COPY config /etc/holdfast
ENV HOLDFAST__SERVER__HOST=0.0.0.0 \
    HOLDFAST__JOURNAL__DIR=/data/journal \
    HOLDFAST__STORE__SQLITE__PATH=/data/holdfast.db
USER holdfast
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# No curl in the image: bash speaks enough HTTP.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${HOLDFAST__SERVER__PORT:-8000} && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["holdfastd"]
CMD ["--config", "/etc/holdfast/balanced.yaml"]
