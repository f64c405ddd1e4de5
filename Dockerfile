# One image for prepare, web, worker, beat and sweeper; docker-compose.yml says which of them a container is.
FROM python:3.11.14-slim-bookworm AS packages
# A mirror of the package index, for networks that need one.
ARG PIP_INDEX_URL
COPY requirements/production.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r /production.lock

FROM python:3.11.14-slim-bookworm
# What has to outlive a container lies in HEDONG_VAR: the static files that prepare gathers, and the photos.
ENV PATH=/venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=hedong.settings.production \
    HEDONG_VAR=/var/lib/hedong \
    PYTHONUNBUFFERED=1 \
    PYTHONUTF8=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent hedong \
    && install -d -o hedong -m 750 /var/lib/hedong /var/lib/hedong/media
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
RUN python -m compileall -q .
USER hedong
