# The service in one container. Any base with Python 3.11 or later and its venv module will do.
ARG BASE_IMAGE=python:3.13-slim
# What is installed: run, or otel for traces (docs/observability.md).
ARG REQUIREMENTS=run

FROM ${BASE_IMAGE} AS builder
ARG REQUIREMENTS
COPY requirements/${REQUIREMENTS}.txt /build/requirements.txt
# The secrets are optional: a pip configuration and a CA bundle for machines that reach their packages through a proxy.
# They exist only while this line runs.
RUN --mount=type=secret,id=pip_config,target=/run/secrets/pip_config \
    --mount=type=secret,id=ca_certificates,target=/run/secrets/ca_certificates \
    if [ -e /run/secrets/pip_config ]; then export PIP_CONFIG_FILE=/run/secrets/pip_config; fi; \
    if [ -e /run/secrets/ca_certificates ]; then export PIP_CERT=/run/secrets/ca_certificates; fi; \
    python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r /build/requirements.txt \
    && /opt/venv/bin/pip uninstall --yes --quiet pip setuptools \
    && /opt/venv/bin/python -m compileall -q /opt/venv

# The web page of the dashboard, built by a Node that comes as a wheel: nothing of that is in the image.
FROM ${BASE_IMAGE} AS ui
COPY requirements/ui.txt /build/ui.txt
RUN --mount=type=secret,id=pip_config,target=/run/secrets/pip_config \
    --mount=type=secret,id=ca_certificates,target=/run/secrets/ca_certificates \
    if [ -e /run/secrets/pip_config ]; then export PIP_CONFIG_FILE=/run/secrets/pip_config; fi; \
    if [ -e /run/secrets/ca_certificates ]; then export PIP_CERT=/run/secrets/ca_certificates; fi; \
    python3 -m venv /opt/node \
    && /opt/node/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r /build/ui.txt
COPY ui /build/ui
WORKDIR /build/ui
RUN --mount=type=secret,id=npm_config,target=/run/secrets/npm_config \
    --mount=type=secret,id=ca_certificates,target=/run/secrets/ca_certificates \
    if [ -e /run/secrets/npm_config ]; then export NPM_CONFIG_USERCONFIG=/run/secrets/npm_config; fi; \
    if [ -e /run/secrets/ca_certificates ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca_certificates; fi; \
    export PATH=/opt/node/bin:$PATH \
    && npm ci --no-audit --no-fund --loglevel=error \
    && npm run --silent build -- --outDir /build/static

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="demijohn" \
      org.opencontainers.image.description="An HTTP front door to Kafka and a home for Python consumers" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0 \
    KAFKA_EMBEDDED=off
COPY --from=builder /opt/venv /opt/venv
WORKDIR /srv/demijohn
COPY scripts/healthcheck.py LICENSE ./
COPY app app
COPY --from=ui /build/static app/dashboard/static
RUN python -m compileall -q app
USER 10001:10001
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["python", "healthcheck.py"]
ENTRYPOINT ["python", "-m", "app"]
CMD ["server"]
