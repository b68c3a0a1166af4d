# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml LICENSE ./
COPY idp idp
COPY scim scim
COPY ldap_bridge ldap_bridge
# Editable, so that the presets of config/ are found beside the packages.
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable . \
    && /venv/bin/python -m compileall -q idp scim ldap_bridge

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin gatehouse \
    && install -d -o gatehouse -g gatehouse -m 0700 /data
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY config config
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 IDP_LISTEN=0.0.0.0:8080 IDP_DATA=/data TMPDIR=/data
USER gatehouse
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
# Requests in progress get server.drain seconds; `docker stop --time 20` leaves room for them.
STOPSIGNAL SIGTERM
CMD ["idp", "serve"]
